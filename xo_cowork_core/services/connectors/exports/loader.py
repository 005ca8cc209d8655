"""Loads the exports after the start: importing them takes a part of it that nobody waits for."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from xo_cowork_core.sdk.connector import ExportsConnections, ImportsConnections
from xo_cowork_core.services.runtimes.registry import Registry

if TYPE_CHECKING:
    from xo_cowork_core.services.connectors.exports.connection_exports import ConnectionExports


class ExportsLoader:
    """Provides the exports of one app. `build` imports and constructs them, in a thread.

    They are not loaded where no connector exports or imports and nothing was exported. Owns the
    task that loads them; `stop` ends what it loaded.
    """

    def __init__(
        self, registry: Registry, build: "Callable[[], ConnectionExports]", ledger_file: Path
    ) -> None:
        self._registry = registry
        self._build = build
        self._ledger_file = ledger_file
        self._loading: asyncio.Task[ConnectionExports | None] | None = None

    def start(self) -> None:
        """Begin to load; plugins are up."""
        self._loading = asyncio.create_task(self._load(), name="load exports")

    async def stop(self) -> None:
        """Write the last changes and end the exports, if they were loaded."""
        if self._loading is not None:
            exports = await self._loading
            if exports is not None:
                await exports.stop()

    async def _load(self) -> "ConnectionExports | None":
        connectors = [each.connector for each in self._registry.connectors.values()]
        abilities = ExportsConnections | ImportsConnections
        is_needed = any(isinstance(each, abilities) for each in connectors)
        if not is_needed and not await asyncio.to_thread(self._ledger_file.exists):
            return None
        exports = await asyncio.to_thread(self._build)
        exports.start()
        return exports
