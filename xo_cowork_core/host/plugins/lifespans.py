"""Plugins' lifespans, each in a named task of its own.

A child task that crashes cancels the task that entered its task group: entered in the host's task
it would end the host. `PluginLifespans` owns the tasks. `stop` ends them: it waits `STOP_SECONDS`,
cancels the rest, waits `UNWIND_SECONDS`, and abandons a task that ignores its cancellation.
"""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TypeVar

from xo_cowork_core.host.plugins.registrar import LoadedPlugin
from xo_cowork_core.services.runtimes.plugin_record import (
    PluginError,
    PluginRecord,
    describe_exception,
)
from xo_cowork_core.services.runtimes.value_words import describe_value

WAIT_SECONDS = 2.0
START_SECONDS = 30.0
STOP_SECONDS = 5.0
UNWIND_SECONDS = 0.5
NO_CONTEXT = "xo_lifespan must return a context"
CONTEXT_ADVICE = "does it call a function with @asynccontextmanager?"
Context = AbstractAsyncContextManager[None]
T = TypeVar("T")
log = logging.getLogger("xo_cowork.host")


@dataclass(slots=True)
class PluginLifespan:
    """One plugin's lifespan: `started` is set when its start ended, `leave` requests its stop."""

    plugin: LoadedPlugin
    on_failed: Callable[[str], Awaitable[None]]
    started: asyncio.Event = field(default_factory=asyncio.Event)
    leave: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    @property
    def record(self) -> PluginRecord:
        return self.plugin.record

    def begin(self) -> None:
        """Enter the lifespan in a new task; fail it after `START_SECONDS`."""
        self.record.set_state("starting")
        self.task = asyncio.create_task(self._run(), name=f"plugin {self.record.name}")
        asyncio.get_running_loop().call_later(START_SECONDS, self._fail_late_start)

    def request_stop(self) -> None:
        """Ask a started lifespan to leave; cancel one that is still starting."""
        if self.started.is_set():
            self.leave.set()
        elif self.task:
            self.task.cancel()

    async def _run(self) -> None:
        try:
            lifespan = await self._call_hook()
            await self._enter_and_leave(lifespan)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001
            # SystemExit too: out of a task it would end the event loop
            await self._fail(error)
        finally:
            self.started.set()
            log.debug("plugin %s is %s", self.record.name, self.record.state)

    async def _call_hook(self) -> Context:
        lifespan = await self.plugin.hooks.call_later(
            "xo_lifespan",
            object,
            context=self.plugin.context,
            runtimes=[registered.runtime for registered in self.plugin.runtimes],
            connectors=[registered.connector for registered in self.plugin.connectors],
        )
        if not isinstance(lifespan, AbstractAsyncContextManager):
            raise PluginError(f"{NO_CONTEXT}, {describe_value(lifespan)}: {CONTEXT_ADVICE}")
        return lifespan

    async def _enter_and_leave(self, lifespan: Context) -> None:
        await lifespan.__aenter__()
        if self.record.state == "starting":
            self.record.set_state("ready")
        self.started.set()
        try:
            await self.leave.wait()
            if self.record.state != "failed":
                self.record.set_state("stopping")
        except asyncio.CancelledError:
            # a child task of the plugin crashed, or `stop` gave up waiting; the plugin's context
            # may raise the real cause instead
            if not await lifespan.__aexit__(*sys.exc_info()):
                raise
            raise PluginError("it ended by itself") from None
        await lifespan.__aexit__(None, None, None)
        if self.record.state == "stopping":
            self.record.set_state("stopped")

    async def _fail(self, error: BaseException) -> None:
        record = self.record
        if self.leave.is_set() and record.state == "failed":
            return
        if record.state != "failed":
            stage = {"starting": "its start", "stopping": "its stop"}.get(record.state, "it")
            is_fault = isinstance(error, PluginError)
            record.fail(str(error) if is_fault else f"{stage} failed with {_describe_root(error)}")
        log.error("plugin %s: %s", record.name, record.error, exc_info=error)
        await self.on_failed(record.name)

    def _fail_late_start(self) -> None:
        if not self.started.is_set() and self.task:
            self.record.fail(f"did not start within {START_SECONDS:.0f} s")
            self.task.cancel()


class PluginLifespans:
    """Enters and leaves the lifespan of every plugin; `on_failed` gets the name of a failed one."""

    def __init__(
        self, plugins: Sequence[LoadedPlugin], on_failed: Callable[[str], Awaitable[None]]
    ) -> None:
        self._plugins = plugins
        self._on_failed = on_failed
        self._lifespans = [
            PluginLifespan(plugin, on_failed)
            for plugin in plugins
            if plugin.hooks.implements("xo_lifespan")
        ]

    async def start(self, *, wait: float = WAIT_SECONDS) -> None:
        """Start all at once and wait at most `wait` seconds; a late one continues to start."""
        for plugin in self._plugins:
            if not plugin.hooks.implements("xo_lifespan"):
                plugin.record.set_state("ready")
        for lifespan in self._lifespans:
            lifespan.begin()
        waits = [
            asyncio.create_task(lifespan.started.wait(), name="plugin start")
            for lifespan in self._lifespans
        ]
        for late in await _wait_for(waits, wait):
            late.cancel()

    async def fail(self, name: str, error: PluginError) -> None:
        """Take a plugin out whose fault is seen after its start."""
        plugin = next(each for each in self._plugins if each.record.name == name)
        plugin.record.fail(str(error))
        log.warning("plugin %s: %s", name, error, exc_info=error.__cause__)
        for lifespan in self._lifespans:
            if lifespan.plugin is plugin:
                lifespan.request_stop()
        await self._on_failed(name)

    async def stop(self) -> None:
        """Stop all at once."""
        for lifespan in self._lifespans:
            lifespan.request_stop()
        tasks = {lifespan.task: lifespan for lifespan in self._lifespans if lifespan.task}
        hanging = await _wait_for(tasks, STOP_SECONDS)
        for task in hanging:
            record = tasks[task].record
            record.fail(f"did not stop within {STOP_SECONDS:.0f} s")
            log.error("plugin %s did not stop within %.0f s", record.name, STOP_SECONDS)
            task.cancel()
        await _wait_for(hanging, UNWIND_SECONDS)
        for plugin in self._plugins:
            plugin.hooks.close()
            if plugin.record.serves:
                plugin.record.set_state("stopped")


def _describe_root(error: BaseException) -> str:
    """Describe the first exception inside nested groups."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return describe_exception(error)


async def _wait_for(tasks: Collection[asyncio.Task[T]], seconds: float) -> list[asyncio.Task[T]]:
    """Wait for tasks; return those that are not done after `seconds`."""
    if not tasks:
        return []
    _, pending = await asyncio.wait(tasks, timeout=seconds)
    return list(pending)
