"""The background tasks of one plugin.

`PluginTasks` owns them: a crash is logged and recorded, `stop` cancels what still runs.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from xo_cowork_core.host.plugins.hook_caller import describe_exception
from xo_cowork_core.services.runtimes.registry import PluginRecord

STOP_SECONDS = 5.0
T = TypeVar("T")


class PluginTasks:
    """Starts and ends the tasks of one plugin."""

    def __init__(self, record: PluginRecord, log: logging.Logger) -> None:
        self._record = record
        self._log = log
        self._running: set[asyncio.Task[Any]] = set()
        self._stopped = False

    def create(self, coroutine: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Start a task. Raises RuntimeError without a running event loop, and after `stop`."""
        if self._stopped or not _has_running_loop():
            coroutine.close()
            when = "after its stop" if self._stopped else "before its start: use xo_lifespan"
            raise RuntimeError(f"the plugin {self._record.name} creates the task {name} {when}")
        task = asyncio.create_task(coroutine, name=f"{self._record.name}: {name}")
        self._running.add(task)
        task.add_done_callback(self._on_done)
        return task

    async def stop(self) -> None:
        """Cancel the tasks and wait for them for at most `STOP_SECONDS`."""
        self._stopped = True
        for task in self._running:
            task.cancel()
        if not self._running:
            return
        _, hanging = await asyncio.wait(self._running, timeout=STOP_SECONDS)
        for task in hanging:
            self._log.error("the task %s ignores its cancellation", task.get_name())

    def _on_done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        record = self._record
        text = f"its task {task.get_name()} failed with {describe_exception(error)}"
        self._log.error("plugin %s: %s", record.name, text, exc_info=error)
        if not self._stopped:
            record.set_state("degraded" if record.serves else record.state, text)


def _has_running_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
