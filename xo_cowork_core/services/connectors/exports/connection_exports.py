"""Keeps the files of other programs up to date with the connections.

Owns one task from `start` to `stop`. It imports what an older server left, then writes after each
change; a write that fails is tried again. Plugins are called, and files written, in threads.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping, MutableMapping, Sequence

from xo_cowork_core.sdk.connector import ExportedConnection, ExportsConnections, FileSection
from xo_cowork_core.services.backoff import Backoff
from xo_cowork_core.services.connectors.events import ConnectionEvents
from xo_cowork_core.services.connectors.exports.connection_imports import ConnectionImports
from xo_cowork_core.services.connectors.exports.export_file import ExportError
from xo_cowork_core.services.connectors.exports.export_writer import (
    ExportWriter,
    WantedSection,
)
from xo_cowork_core.services.connectors.exports.ledger import (
    ExportLedger,
    SectionKey,
    load_ledger,
)
from xo_cowork_core.services.connectors.exports.section_checks import call_export, plain_values
from xo_cowork_core.services.connectors.token_store import ConnectionRows, TokenStore
from xo_cowork_core.services.runtimes.plugin_record import PluginError
from xo_cowork_core.services.runtimes.registry import RegisteredConnector, Registry

COALESCE_SECONDS = 0.05
CALL_SECONDS = 10.0
FIRST_RETRY_SECONDS = 1.0
MAX_RETRY_SECONDS = 60.0
START_POLL_SECONDS = 0.2
STOP_SECONDS = 5.0
# a plugin that was enabled and does not run takes nothing with it
FAILED_STATES = frozenset({"failed", "incompatible"})
PLACE = "export_connections()"
log = logging.getLogger("xo_cowork.connectors")


class ConnectionExports:
    """Writes what the connectors of one app export.

    `problems` gets what went wrong at the last attempt, by connector, for people.
    """

    def __init__(
        self,
        registry: Registry,
        store: TokenStore,
        events: ConnectionEvents,
        *,
        imports: ConnectionImports,
        ledger: ExportLedger,
        writer: ExportWriter,
        problems: MutableMapping[str, str],
    ) -> None:
        self._registry = registry
        self._store = store
        self._events = events
        self._imports = imports
        self._ledger = ledger
        self._writer = writer
        self._problems = problems
        self._backoff = Backoff(FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS)
        self._exported: tuple[int, Mapping[str, ConnectionRows]] | None = None
        # calls that exceeded their limit and go on in their threads
        self._late_calls: dict[str, asyncio.Future[Sequence[FileSection]]] = {}
        self._reported: set[str] = set()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to import and export; plugins are up."""
        self._task = asyncio.create_task(self._run(), name="connection exports")

    async def stop(self) -> None:
        """Write the last changes and end the task, within 5 s."""
        self._stopping.set()
        if self._task is not None:
            _, late = await asyncio.wait({self._task}, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()
                await asyncio.wait(late)

    async def _run(self) -> None:
        while True:
            observed = self._events.next_observation()
            is_stopping = self._stopping.is_set()
            pause = await self._update()
            if is_stopping:
                return
            await self._wait(observed, pause)

    async def _update(self) -> float | None:
        """Import and write what has changed; return the seconds after which to try again."""
        try:
            await asyncio.to_thread(load_ledger, self._ledger)
            are_all_imported = await self._imports.run()
        except ExportError as error:
            self._report({name: str(error) for name in self._exporters()})
            return self._backoff.fail()
        wanted = (self._events.export_requests, self._rows())
        if wanted != self._exported:
            self._exported = wanted if await self._export(wanted[1]) else None
        if self._exported is None:
            return self._backoff.fail()
        self._backoff.succeed()
        starting = any(each.plugin.is_starting for each in self._exporters().values())
        return START_POLL_SECONDS if starting or not are_all_imported else None

    async def _wait(self, observed: asyncio.Event, seconds: float | None) -> None:
        waits = {asyncio.create_task(each.wait()) for each in (observed, self._stopping)}
        try:
            done, _ = await asyncio.wait(
                waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if done and not self._stopping.is_set():
                # one action of a person changes a connection several times
                await asyncio.sleep(COALESCE_SECONDS)
        finally:
            for wait in waits:
                wait.cancel()

    def _exporters(self) -> Mapping[str, RegisteredConnector]:
        connectors = self._registry.connectors.items()
        return {name: each for name, each in connectors if _exports(each)}

    def _rows(self) -> Mapping[str, ConnectionRows]:
        """Return the stored connections of the exporting connectors that serve."""
        exporters = self._exporters().items()
        return {name: self._store.rows(name) for name, each in exporters if each.plugin.serves}

    async def _export(self, rows: Mapping[str, ConnectionRows]) -> bool:
        """Write everything; return whether that has succeeded."""
        wanted: dict[SectionKey, WantedSection] = {}
        problems: dict[str, str] = {}
        written: set[str] = set()
        for name, own_rows in rows.items():
            registered = self._registry.connectors.get(name)
            if registered is None:
                continue
            try:
                sections = await self._sections_of(registered, own_rows)
            except PluginError as fault:
                registered.plugin.add_fault(PLACE, str(fault))
                problems[name] = "The files of this connector can't be written: the log says why."
            else:
                written.add(name)
                _add(wanted, registered, sections, problems)
        stale = [key for key in self._ledger.entries if self._is_stale(key, wanted, written)]
        self._ledger.known_connectors.update(name for name in rows if rows[name])
        failures = await asyncio.to_thread(self._writer.apply, wanted, stale)
        self._report({**problems, **failures})
        return not problems and not failures

    async def _sections_of(
        self, registered: RegisteredConnector, rows: ConnectionRows
    ) -> Sequence[FileSection]:
        """Return what a connector exports. Raises PluginError."""
        name = registered.info.name
        connections = _exported_connections(rows)
        assert isinstance(registered.connector, ExportsConnections)
        if not connections:
            return ()
        if name in self._late_calls and not self._late_calls[name].done():
            raise PluginError(f"{PLACE} still runs after its limit of {CALL_SECONDS:g} s")
        thread = asyncio.to_thread(call_export, registered.connector, connections)
        call = asyncio.ensure_future(thread)
        call.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._late_calls[name] = call
        done, _ = await asyncio.wait({call}, timeout=CALL_SECONDS)
        if not done:
            raise PluginError(f"{PLACE} took longer than {CALL_SECONDS:g} s")
        return call.result()

    def _is_stale(
        self,
        key: SectionKey,
        wanted: Mapping[SectionKey, WantedSection],
        written: Collection[str],
    ) -> bool:
        """Return whether a section goes: its connection did, or its connector."""
        entry = self._ledger.entries[key]
        if key in wanted:
            return False
        if entry.connector in written:
            return True
        if entry.connector in self._exporters():
            return False
        plugin = self._registry.plugins.get(entry.plugin)
        return plugin is None or plugin.state not in FAILED_STATES

    def _report(self, problems: Mapping[str, str]) -> None:
        for name, problem in problems.items():
            if self._problems.get(name) != problem:
                log.error("connector %s: %s", name, problem)
        for name in self._reported - problems.keys():
            self._problems.pop(name, None)
        self._problems.update(problems)
        self._reported = set(problems)


def _exports(registered: RegisteredConnector) -> bool:
    return isinstance(registered.connector, ExportsConnections)


def _exported_connections(rows: ConnectionRows) -> Sequence[ExportedConnection]:
    return [
        ExportedConnection(
            connection=name,
            tokens=row.tokens,
            account=row.account,
            method=row.method,
            client_id=row.client_id,
        )
        for name, row in sorted(rows.items())
        if row.tokens is not None
    ]


def _add(
    wanted: dict[SectionKey, WantedSection],
    registered: RegisteredConnector,
    sections: Sequence[FileSection],
    problems: dict[str, str],
) -> None:
    """Add the sections of a connector but those that another one has already."""
    name, plugin = registered.info.name, registered.plugin.name
    for section in sections:
        key = SectionKey(section.file, section.section)
        if key in wanted:
            place = f"{key.file}: the section [{key.section}] is that of {wanted[key].connector}"
            problems[name] = f"{place}; give one of the connections another name."
        else:
            wanted[key] = WantedSection(name, plugin, plain_values(section.values))
