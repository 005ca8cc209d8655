"""Requests to restart the server. The host, which owns the process, carries them out."""

import asyncio
from collections.abc import Callable

from xo_cowork_core.sdk import Conflict


class ServerControl:
    """Takes requests to restart. `find_problem` says why the server would not start again; it
    blocks, and returns an empty text where nothing is in the way."""

    def __init__(self, find_problem: Callable[[], str]) -> None:
        self._find_problem = find_problem
        self._requested = asyncio.Event()

    @property
    def is_restarting(self) -> bool:
        """Whether a restart was requested."""
        return self._requested.is_set()

    async def request_restart(self) -> None:
        """Restart once the requests that run have been answered. Harmless when repeated.

        Raises Conflict, with the reason, when the server would not start again.
        """
        await self.require_startable()
        self._requested.set()

    async def require_startable(self) -> None:
        """Raise Conflict, with the reason, when the server would not start again."""
        if problem := await asyncio.to_thread(self._find_problem):
            raise Conflict(f"The server would not start again: {problem}")

    async def wait_for_restart(self) -> None:
        """Wait until a restart is requested."""
        await self._requested.wait()
