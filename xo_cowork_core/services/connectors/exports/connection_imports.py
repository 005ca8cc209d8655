"""Connections that an older server left in files, taken over once.

The files of every folder but the state folder stay as they are.
"""

import asyncio
import logging
import os
from collections.abc import Collection, MutableMapping, Sequence
from pathlib import Path
from typing import NamedTuple

from xo_cowork_core.sdk import XoError
from xo_cowork_core.sdk.connector import (
    FileSection,
    ImportedConnection,
    ImportsConnections,
)
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.connectors.connections import Connections
from xo_cowork_core.services.connectors.exports.documents import DocumentError
from xo_cowork_core.services.connectors.exports.export_file import ExportError, ExportFile
from xo_cowork_core.services.connectors.exports.ledger import (
    ExportLedger,
    LedgerEntry,
    SectionKey,
    save_ledger,
)
from xo_cowork_core.services.connectors.exports.section_checks import (
    call_import,
    call_imported_files,
    secret_values,
)
from xo_cowork_core.services.connectors.oauth_sessions import is_refreshed
from xo_cowork_core.services.connectors.token_store import StoredConnection
from xo_cowork_core.services.runtimes.plugin_record import PluginError
from xo_cowork_core.services.runtimes.registry import RegisteredConnector, Registry

log = logging.getLogger("xo_cowork.connectors")


class FoundConnection(NamedTuple):
    """A connection and the folder in which it was found."""

    folder: Path
    imported: ImportedConnection


class ConnectionImports:
    """The imports of one app. `folders` are searched in order; the first is the state folder.

    `problems` gets, by connector, which old file could not be read.
    """

    def __init__(
        self,
        registry: Registry,
        connections: Connections,
        ledger: ExportLedger,
        clock: Clock,
        *,
        folders: Sequence[Path],
        problems: MutableMapping[str, str],
    ) -> None:
        self._registry = registry
        self._connections = connections
        self._ledger = ledger
        self._clock = clock
        self._folders = folders
        self._problems = problems
        self._finished: set[str] = set()

    async def run(self) -> bool:
        """Import for each connector that serves by now; return whether none is left.

        Raises ExportError when the ledger can't be written.
        """
        is_complete = True
        for name, registered in list(self._registry.connectors.items()):
            if name in self._finished:
                continue
            if not isinstance(registered.connector, ImportsConnections) or self._is_known(name):
                self._finished.add(name)
            elif registered.plugin.serves:
                await self._import(registered, registered.connector)
                self._finished.add(name)
            else:
                is_complete = is_complete and not registered.plugin.is_starting
        await asyncio.to_thread(save_ledger, self._ledger)
        return is_complete

    def _is_known(self, connector: str) -> bool:
        return connector in self._ledger.known_connectors or self._connections.has_any(connector)

    async def _import(self, registered: RegisteredConnector, connector: ImportsConnections) -> None:
        name = registered.info.name
        try:
            found = await asyncio.to_thread(self._find, name, connector)
        except PluginError as fault:
            registered.plugin.add_fault(str(fault).partition(" ")[0], str(fault))
            return
        for each in found:
            await self._take_over(registered, each)

    async def _take_over(self, registered: RegisteredConnector, found: FoundConnection) -> None:
        """Store a connection; the ledger names its section first, so that a kill loses neither."""
        name, source = registered.info.name, found.imported.source
        key = SectionKey(source.file, source.section)
        if found.folder == self._folders[0]:
            self._ledger.entries[key] = LedgerEntry(name, registered.plugin.name, ())
        try:
            await asyncio.to_thread(save_ledger, self._ledger)
            await self._adopt(registered, found.imported)
        except (ExportError, XoError) as error:
            self._ledger.entries.pop(key, None)
            log.error("connector %s: an old sign-in was not taken over: %s", name, error)
            return
        self._ledger.known_connectors.add(name)
        log.info("connector %s: taken over from %s in %s", name, source.file, found.folder)

    async def _adopt(self, registered: RegisteredConnector, imported: ImportedConnection) -> None:
        name = registered.info.name
        methods = {method.id: method for method in await self._connections.methods(name)}
        method = methods.get(imported.method)
        row = StoredConnection(
            tokens=imported.tokens,
            obtained_at=self._clock.now(),
            method=method.id if method else "",
            kind=method.kind if method else None,
            client_id=imported.client_id,
            refreshes=is_refreshed(registered, method),
        )
        await self._connections.adopt(name, imported.connection, row)

    def _find(self, name: str, connector: ImportsConnections) -> Sequence[FoundConnection]:
        files = call_imported_files(connector)
        found: dict[str, FoundConnection] = {}
        for folder in self._folders:
            sections = self._read_folder(name, folder, files)
            if not sections:
                continue
            for imported in call_import(connector, sections):
                found.setdefault(imported.connection, FoundConnection(folder, imported))
        return list(found.values())

    def _read_folder(
        self, name: str, folder: Path, files: Collection[str]
    ) -> Sequence[FileSection]:
        sections: list[FileSection] = []
        for file in files:
            path = folder / file
            try:
                if path.stat().st_uid != os.geteuid():
                    continue
                document = ExportFile(path).read()
            except (FileNotFoundError, NotADirectoryError):
                continue
            except (OSError, DocumentError, ExportError) as error:
                reason = error.strerror if isinstance(error, OSError) else error
                problem = f"The old file {file} can't be read: {str(reason).rstrip('.')}."
                self._problems[name] = problem
                log.warning("connector %s: %s It is left in %s.", name, problem, folder)
                continue
            sections += [
                FileSection(file, section, secret_values(values))
                for section, values in document.sections().items()
            ]
        return sections
