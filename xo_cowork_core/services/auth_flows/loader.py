"""Loads the login engine with the first sign-in: importing it takes a twentieth of a start.

Owns the task that loads it; `stop` ends what it loaded.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xo_cowork_core.services.auth_flows.auth_flows import AuthFlows


class AuthFlowsLoader:
    """Provides the sign-ins of one app. `build` imports and constructs them, in a thread."""

    def __init__(self, build: "Callable[[], AuthFlows]", journal_file: Path) -> None:
        self._build = build
        self._journal_file = journal_file
        self._loading: asyncio.Task[AuthFlows] | None = None

    async def resume(self) -> None:
        """Continue the flows of the last server, if it left any."""
        if await asyncio.to_thread(self._journal_file.exists):
            await self.get()

    async def get(self) -> "AuthFlows":
        """Return the sign-ins, loaded by the first call."""
        if self._loading is None:
            self._loading = asyncio.create_task(self._load(), name="load sign-ins")
        # a caller that is cancelled must not cancel the load for the others
        return await asyncio.shield(self._loading)

    async def stop(self) -> None:
        """Stop the sign-ins, if they were loaded."""
        if self._loading is not None:
            flows = await self._loading
            await flows.stop()

    async def _load(self) -> "AuthFlows":
        flows = await asyncio.to_thread(self._build)
        await flows.resume()
        return flows
