"""Plugins' lifespans, each in a named task of its own.

A child task that crashes cancels the task that entered its group: entered in the host's task it
would end the host. The tasks belong to `Lifespans` and end in `stop`, which waits for them at
most `STOP_SECONDS` and then leaves behind what ignores its cancellation.
"""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from xo_cowork_core.host.plugins.faults import describe_fault
from xo_cowork_core.host.plugins.hook_caller import PluginFault
from xo_cowork_core.host.plugins.registrar import LoadedPlugin
from xo_cowork_core.services.runtimes.registry import PluginRecord

WAIT_SECONDS = 2.0
START_SECONDS = 30.0
STOP_SECONDS = 5.0
UNWIND_SECONDS = 0.5
NO_CONTEXT = "xo_lifespan must return a context: does it call a function with @asynccontextmanager?"
log = logging.getLogger("xo_cowork.host")


@dataclass(slots=True)
class PluginLifespan:
    """One plugin's lifespan on its way."""

    plugin: LoadedPlugin
    started: asyncio.Event = field(default_factory=asyncio.Event)
    leave: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    @property
    def record(self) -> PluginRecord:
        return self.plugin.record


class Lifespans:
    """Enters and leaves every plugin; `on_failed` takes a failed one's runtimes out."""

    def __init__(
        self, plugins: Sequence[LoadedPlugin], on_failed: Callable[[str], Awaitable[None]]
    ) -> None:
        self._plugins = plugins
        self._on_failed = on_failed
        self._owned: list[PluginLifespan] = []

    async def start(self, *, wait: float = WAIT_SECONDS) -> None:
        """Start all at once and wait `wait` seconds; who is late goes on starting."""
        for plugin in self._plugins:
            if not plugin.calls.has("xo_lifespan"):
                plugin.record.state = "ready"
                continue
            owned = PluginLifespan(plugin)
            plugin.record.state = "starting"
            owned.task = asyncio.create_task(self._run(owned), name=f"plugin {plugin.record.name}")
            self._owned.append(owned)
            asyncio.get_running_loop().call_later(START_SECONDS, self._too_late, owned)
        waits = [asyncio.create_task(o.started.wait(), name="plugin start") for o in self._owned]
        if waits:
            _, late = await asyncio.wait(waits, timeout=wait)
            for waiting in late:
                waiting.cancel()

    async def stop(self) -> None:
        """Leave all at once."""
        tasks = {owned.task: owned for owned in self._owned if owned.task}
        for owned in tasks.values():
            if owned.started.is_set():
                owned.leave.set()
            elif owned.task:
                owned.task.cancel()
        hanging = await _unfinished(tasks, STOP_SECONDS)
        for task in hanging:
            tasks[task].record.fail(f"did not stop within {STOP_SECONDS:.0f} s")
            log.error("plugin %s did not stop", tasks[task].record.name)
            task.cancel()
        await _unfinished(hanging, UNWIND_SECONDS)
        for plugin in self._plugins:
            if plugin.record.serves:
                plugin.record.state = "stopped"

    async def _run(self, owned: PluginLifespan) -> None:
        record = owned.record
        try:
            plugin = owned.plugin
            runtimes = [found.runtime for found in plugin.runtimes]
            lifespan = plugin.calls.call("xo_lifespan", context=plugin.context, runtimes=runtimes)
            if not isinstance(lifespan, AbstractAsyncContextManager):
                raise PluginFault(NO_CONTEXT)
            await self._enter_and_leave(owned, lifespan)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001
            # SystemExit too: out of a task it would end the event loop
            await self._fail(owned, error)
        finally:
            owned.started.set()
            log.debug("plugin %s is %s", record.name, record.state)

    async def _enter_and_leave(
        self, owned: PluginLifespan, lifespan: AbstractAsyncContextManager[None]
    ) -> None:
        await lifespan.__aenter__()
        if owned.record.state == "starting":
            owned.record.state = "ready"
        owned.started.set()
        try:
            await owned.leave.wait()
            owned.record.state = "stopping"
        except asyncio.CancelledError:
            # a crashed child of the plugin, or the host's last word; the plugin may turn it
            # into what really happened
            if not await lifespan.__aexit__(*sys.exc_info()):
                raise
            raise PluginFault("it ended by itself") from None
        await lifespan.__aexit__(None, None, None)
        if owned.record.state == "stopping":
            owned.record.state = "stopped"

    async def _fail(self, owned: PluginLifespan, error: BaseException) -> None:
        record = owned.record
        if owned.leave.is_set() and record.state == "failed":
            return
        if record.state != "failed":
            stage = {"starting": "its start", "stopping": "its stop"}.get(record.state, "it")
            cause = error if isinstance(error, PluginFault) else None
            record.fail(str(cause) if cause else f"{stage} failed with {_root(error)}")
        log.error("plugin %s: %s", record.name, record.error, exc_info=error)
        await self._on_failed(record.name)

    def _too_late(self, owned: PluginLifespan) -> None:
        if not owned.started.is_set() and owned.task:
            owned.record.fail(f"did not start within {START_SECONDS:.0f} s")
            owned.task.cancel()


def _root(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return describe_fault(error)


async def _unfinished(
    tasks: "Sequence[asyncio.Task[None]] | dict[asyncio.Task[None], PluginLifespan]", seconds: float
) -> list[asyncio.Task[None]]:
    if not tasks:
        return []
    _, pending = await asyncio.wait(list(tasks), timeout=seconds)
    return list(pending)
