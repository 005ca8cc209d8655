"""Sessions of runtimes that keep a store but no files: asked for, a few at a time."""

import asyncio
import logging

from xo_cowork_core.sdk import KeepsHistory, SessionRecord
from xo_cowork_core.sdk.transcripts import KeepsTranscripts
from xo_cowork_core.services.index.index import Index
from xo_cowork_core.services.index.rows import SessionRow
from xo_cowork_core.services.registry import RegisteredRuntime, Registry

ASK_SECONDS = 5.0
SESSIONS_A_LOOK = 50
log = logging.getLogger("xo_cowork.index")


class KeeperRows:
    """What such stores said last."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._seen: dict[str, SessionRecord] = {}

    async def refresh(self, index: Index) -> None:
        """Write the sessions that changed since the last look, newest first."""
        for owner in self._registry.runtimes():
            runtime = owner.runtime
            if isinstance(runtime, KeepsTranscripts) or not owner.plugin.serves:
                continue
            if isinstance(runtime, KeepsHistory):
                await self._refresh_one(owner, runtime, index)

    async def _refresh_one(
        self, owner: RegisteredRuntime, runtime: KeepsHistory, index: Index
    ) -> None:
        try:
            async with asyncio.timeout(ASK_SECONDS):
                records = await runtime.sessions()
                changed = [r for r in records if self._seen.get(r.session_id) != r]
                changed.sort(key=lambda record: record.time_updated, reverse=True)
                for record in changed[:SESSIONS_A_LOOK]:
                    messages = await runtime.messages(record.session_id)
                    await index.write_hosted(SessionRow.of(record, owner.info.name), messages)
                    self._seen[record.session_id] = record
                if len(changed) > SESSIONS_A_LOOK:
                    index.changed()
        except TimeoutError:
            log.warning("the sessions of %s took too long", owner.info.name)
        except Exception:
            # one runtime's broken store must not hide the others' sessions
            log.exception("the sessions of %s could not be listed", owner.info.name)
