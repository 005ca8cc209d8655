"""The file of flows, mode 0600, so that open ones continue after a restart.

Owns the task that writes after changes; `stop` ends it after a last write.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from xo_cowork_core.services.auth_flows.flow import Flow
from xo_cowork_core.services.connectors.private_values import encode_private
from xo_cowork_core.storage.json_file import JsonFile, JsonObject

VERSION = 1
log = logging.getLogger("xo_cowork.auth_flows")


class FlowJournal:
    """Writes the flows that `snapshot` returns, several changes at once."""

    def __init__(self, path: Path, snapshot: Callable[[], Sequence[Flow]]) -> None:
        self._file = JsonFile(path, version=VERSION)
        self._snapshot = snapshot
        self._lock = asyncio.Lock()
        self._changed = asyncio.Event()
        self._changes = 0
        self._written = 0
        self._is_failing = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> Sequence[Flow]:
        """Return the flows of the last server, and begin to write. Damage is set aside."""
        flows = await asyncio.to_thread(self._read)
        self._task = asyncio.create_task(self._run(), name="flow journal")
        return flows

    async def stop(self) -> None:
        """Write what has changed, and end."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        await self.flush()

    def note_change(self) -> None:
        """Write soon."""
        self._changes += 1
        self._changed.set()

    async def flush(self) -> None:
        """Write now, unless nothing has changed. A failure is logged: flows go on in memory."""
        async with self._lock:
            changes = self._changes
            if changes == self._written:
                return
            flows = self._snapshot()
            value: JsonObject = {"version": VERSION, "flows": encode_private(flows)}
            try:
                if flows:
                    await asyncio.to_thread(self._file.write, value)
                else:  # the next server need not load the login engine
                    await asyncio.to_thread(self._file.delete)
            except OSError as error:
                if not self._is_failing:
                    log.error("open sign-ins can't be stored: %s", error.strerror)
                self._is_failing = True
            else:
                self._is_failing = False
                self._written = changes

    async def _run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self.flush()

    def _read(self) -> Sequence[Flow]:
        try:
            content = self._file.read()
            if content.value:
                try:
                    return TypeAdapter(list[Flow]).validate_python(content.value.get("flows"))
                except ValidationError:
                    content = self._file.set_aside("it has another shape")
        except OSError as error:
            log.error("the open sign-ins can't be read: %s", error.strerror)
            return []
        if content.set_aside:
            log.error(
                "the open sign-ins are lost: %s; the file is kept as %s",
                content.problem,
                content.set_aside.name,
            )
        return []
