"""Indexes the sessions of runtimes that keep a store without files, a few at a time."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from xo_cowork_core.sdk import KeepsHistory, XoError
from xo_cowork_core.sdk.runtime.history import SessionRecord
from xo_cowork_core.sdk.runtime.transcripts import KeepsTranscripts
from xo_cowork_core.services.index.index import Index
from xo_cowork_core.services.index.indexer import WRONG_VALUES
from xo_cowork_core.services.index.queries import stored_records
from xo_cowork_core.services.index.session_rows import SessionRow, digest_of
from xo_cowork_core.services.runtimes.calls import checked_call
from xo_cowork_core.services.runtimes.plugin_record import describe_fault
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime, Registry
from xo_cowork_core.storage.encodable_text import encodable

STORE_SECONDS = 5.0
SESSIONS_PER_REFRESH = 50
log = logging.getLogger("xo_cowork.index")


class RuntimeStoreSource:
    """An index source, with a cache of the records that it indexed."""

    def __init__(self, index: Index, registry: Registry) -> None:
        self._index = index
        self._registry = registry
        self._seen: dict[str, SessionRecord] = {}
        self._generation = 0

    async def refresh(self) -> None:
        """Write the sessions that changed since the last refresh, newest first."""
        index = self._index
        if self._generation != index.generation:
            self._seen.clear()
            self._generation = index.generation
        for owner in self._registry.runtimes():
            runtime = owner.runtime
            if isinstance(runtime, KeepsTranscripts) or not owner.plugin.serves:
                continue
            if isinstance(runtime, KeepsHistory):
                await self._refresh_one(owner)

    async def _refresh_one(self, owner: RegisteredRuntime) -> None:
        limit = owner.plugin.limit_of("sessions()", STORE_SECONDS)
        try:
            async with asyncio.timeout(limit):
                records = await checked_call(
                    owner.runtime, KeepsHistory.sessions, seconds=limit, of_agent=True
                )
                owner.plugin.late_calls.discard("sessions()")
                changed = [r for r in records if self._seen.get(r.session_id) != r]
                changed = await self._not_indexed(owner, changed)
                changed.sort(key=lambda record: record.time_updated, reverse=True)
                for record in changed[:SESSIONS_PER_REFRESH]:
                    if await _write(self._index, owner, record):
                        self._seen[record.session_id] = record
                if len(changed) > SESSIONS_PER_REFRESH:
                    self._index.mark_stale()
        except TimeoutError:
            owner.plugin.add_late_call("sessions()", STORE_SECONDS)
        except Exception as error:
            # one runtime's broken store must not hide the others' sessions
            owner.plugin.add_fault("sessions()", describe_fault(error))
            log.exception("the sessions of %s could not be listed", owner.info.name)

    async def _not_indexed(
        self, owner: RegisteredRuntime, records: Sequence[SessionRecord]
    ) -> list[SessionRecord]:
        """Leave out what an earlier server indexed, and the sessions of other runtimes: no store
        may take them over."""
        records = [record for record in records if _has_valid_id(owner, record)]
        ids = [record.session_id for record in records]
        stored = await self._index.query(lambda connection: stored_records(connection, ids))
        changed: list[SessionRecord] = []
        for record in records:
            known = stored.get(record.session_id)
            other = known.agent_name if known else owner.info.name
            if other != owner.info.name and self._registry.runtime(other):
                text = f"sessions() must not list {record.session_id}, a session of {other}"
                owner.plugin.add_fault("sessions()", text)
            elif known and known.record_digest == digest_of(record, owner.plugin.version):
                self._seen[record.session_id] = record
            else:
                changed.append(record)
        return changed


def _has_valid_id(owner: RegisteredRuntime, record: SessionRecord) -> bool:
    if encodable(record.session_id) == record.session_id:
        return True
    owner.plugin.add_fault("sessions()", "an id must not hold half a surrogate pair")
    return False


async def _write(index: Index, owner: RegisteredRuntime, record: SessionRecord) -> bool:
    """Write one session, without its messages when its store can't return them: one broken session
    must not hide the others. Return whether this state of it needs no further try."""
    agent_name = owner.info.name
    row, messages, is_complete = SessionRow.of(record, agent_name), None, True
    try:
        messages = await checked_call(
            owner.runtime,
            KeepsHistory.messages,
            record.session_id,
            seconds=STORE_SECONDS,
            of_agent=True,
        )
    except (XoError, OSError) as error:
        log.warning("the messages of %s of %s: %s", record.session_id, agent_name, error)
        is_complete = False
    except Exception as error:
        owner.plugin.add_fault("messages()", describe_fault(error))
        log.exception("the messages of %s of %s could not be read", record.session_id, agent_name)
    # a store that doesn't count returns 0
    read = replace(
        row,
        message_count=row.message_count or len(messages or ()),
        record_digest=digest_of(record, owner.plugin.version) if messages is not None else b"",
    )
    try:
        await index.write_session(read, messages)
    except WRONG_VALUES as error:
        owner.plugin.add_fault("messages()", describe_fault(error))
        log.exception(
            "the messages of %s of %s could not be indexed", record.session_id, agent_name
        )
        await index.write_session(row, None)
    return is_complete
