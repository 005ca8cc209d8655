"""Keeps the index up to date: transcripts first, then every source of other sessions.

One task belongs to the refresher, from `start` to `stop`. It sleeps until a reader or a turn
requests a scan, so an idle server does no scans. Files are read in a thread of their own.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Protocol

from xo_cowork_core.services.index.index import Index
from xo_cowork_core.services.index.indexer import Indexer
from xo_cowork_core.services.index.session_rows import Flags

RETRY_SECONDS = 2.0
log = logging.getLogger("xo_cowork.index")


class IndexSource(Protocol):
    """Brings sessions into the index that have no transcript file, or follows its changes."""

    async def refresh(self) -> None:
        """Write what changed since the last call. Must not raise."""
        ...


class IndexRefresher:
    """Runs the scans that are requested of an index. `sources` are refreshed in this order."""

    def __init__(self, index: Index, indexer: Indexer, sources: Sequence[IndexSource] = ()) -> None:
        self._index = index
        self._indexer = indexer
        self._sources = sources
        self._task: asyncio.Task[None] | None = None

    async def start(self, flags: Mapping[str, Flags]) -> None:
        """Open the index and refresh it in the background. `flags` are by session id."""
        self._index.load_flags(flags)
        try:
            await self._index.open()
        except (OSError, sqlite3.Error) as error:
            # the rest of the server works without it; each refresh tries again
            log.error("the index could not be opened: %s", error)
        self._index.requests.serve()
        self._task = asyncio.create_task(self._run(), name="index")

    async def stop(self) -> None:
        """End the task and close the index."""
        self._index.requests.end()
        if self._task:
            self._task.cancel()
            await asyncio.wait({self._task})
        self._indexer.close()
        await self._index.close()

    async def _run(self) -> None:
        while True:
            await self._index.requests.next()
            try:
                await self._refresh()
            except (OSError, sqlite3.Error) as error:
                log.error("the index could not be refreshed: %s", error)
                self._index.note_error(error)
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:
                # an unforeseen fault of a plugin must not end the task
                log.exception("the index could not be refreshed")
                await asyncio.sleep(RETRY_SECONDS)
            self._index.requests.finish(self._indexer.scan_seconds)

    async def _refresh(self) -> None:
        await self._index.open()
        if await self._indexer.refresh(self._index.flags):
            self._index.requests.request_scan()
        for source in self._sources:
            await source.refresh()
        await self._index.compact()
