"""Group commit of env files: changes that come while a write runs are written together after it.

Owns one task for each file that is being changed; it ends when no change is left.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from xo_cowork_core.sdk import Unavailable
from xo_cowork_core.services.secrets.audit import SecretAudit
from xo_cowork_core.services.secrets.env_changes import EnvChange, commit_changes

WAIT_SECONDS = 10.0
MAX_WAITING = 1000


class PendingChange(NamedTuple):
    """A change that waits, and what its caller waits for."""

    change: EnvChange
    done: asyncio.Future[None]


class ChangeQueue:
    """The changes of env files that wait to be written.

    `on_written` is called after each write, also for callers that have left.
    """

    def __init__(
        self, audit: SecretAudit, *, on_written: Callable[[Path, Sequence[EnvChange]], None]
    ) -> None:
        self._audit = audit
        self._on_written = on_written
        self._waiting: dict[Path, list[PendingChange]] = {}
        self._writers: dict[Path, asyncio.Task[None]] = {}

    async def commit(self, file: Path, change: EnvChange) -> None:
        """Return when a change is on the disk. Raises its error, or Unavailable.

        A caller that leaves does not take its change back.
        """
        waiting = self._waiting.setdefault(file, [])
        if len(waiting) >= MAX_WAITING:
            raise Unavailable("Too many changes of secrets wait", retry_after=1)
        done = asyncio.get_running_loop().create_future()
        # an error that nobody waits for any more is no fault of this server
        done.add_done_callback(lambda future: future.cancelled() or future.exception())
        waiting.append(PendingChange(change, done))
        if file not in self._writers:
            self._writers[file] = asyncio.create_task(self._write(file), name="secrets writer")
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await asyncio.shield(done)
        except TimeoutError:
            raise Unavailable("The change is not written yet", retry_after=5) from None

    async def _write(self, file: Path) -> None:
        try:
            while batch := self._waiting.pop(file, []):
                changes = [pending.change for pending in batch]
                errors: Sequence[Exception | None]
                try:
                    errors = await asyncio.to_thread(commit_changes, file, changes, self._audit)
                except Exception as error:  # noqa: BLE001 - each request fails with it, and logs it
                    errors = [error] * len(batch)
                self._on_written(file, changes)
                for pending, error in zip(batch, errors, strict=True):
                    _settle(pending.done, error)
        finally:
            del self._writers[file]


def _settle(done: asyncio.Future[None], error: Exception | None) -> None:
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
