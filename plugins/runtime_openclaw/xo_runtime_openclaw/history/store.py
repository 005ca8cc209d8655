"""Read history: from the gateway when it runs, else from its files."""

import asyncio
from collections.abc import Sequence
from typing import Any

from xo_cowork_core.sdk import HostContext
from xo_cowork_core.sdk.runtime.history import Message, SessionRecord
from xo_runtime_openclaw.gateway.frames import GatewayError, Row, row, rows, text_of
from xo_runtime_openclaw.gateway.gateway import Gateway
from xo_runtime_openclaw.gateway.unavailable import GatewayUnavailable
from xo_runtime_openclaw.history.messages import messages_of
from xo_runtime_openclaw.history.offline import OfflineStore
from xo_runtime_openclaw.history.records import record_of
from xo_runtime_openclaw.run.sessions import GatewaySessions

LIST_PAGE = 500
MAX_SESSIONS = 20_000
HISTORY_PAGE = 1000
MAX_RECORDS = 100_000
MAX_CHARACTERS = 500_000


class HistoryStore:
    """Reads sessions and messages; writes nothing."""

    def __init__(self, context: HostContext, gateway: Gateway, sessions: GatewaySessions) -> None:
        self._context = context
        self._gateway = gateway
        self._sessions = sessions
        self._offline = OfflineStore(context.paths.home / ".openclaw")

    async def sessions(self) -> Sequence[SessionRecord]:
        """Return every session."""
        try:
            return await self._listed()
        except (GatewayUnavailable, GatewayError):
            return await asyncio.to_thread(self._offline.sessions)

    async def session(self, session_id: str) -> SessionRecord | None:
        """Return one session, or None."""
        try:
            key = await self._key(session_id)
            if key is None:
                return None
            response = row(await self._gateway.call("sessions.describe", {"key": key}))
            return record_of(row(response.get("session")))
        except (GatewayUnavailable, GatewayError):
            return await asyncio.to_thread(self._offline.session, session_id)

    async def messages(self, session_id: str) -> Sequence[Message] | None:
        """Return a session's messages, or None."""
        try:
            key = await self._key(session_id)
            return None if key is None else messages_of(await self._records(key))
        except (GatewayUnavailable, GatewayError):
            return await asyncio.to_thread(self._offline.messages, session_id)

    async def _listed(self) -> list[SessionRecord]:
        records: list[SessionRecord] = []
        while len(records) < MAX_SESSIONS:
            params = {"limit": LIST_PAGE, "offset": len(records), "includeDerivedTitles": True}
            page = row(await self._gateway.call("sessions.list", params))
            sessions = rows(page.get("sessions"))
            records += [record for session in sessions if (record := record_of(session))]
            if not page.get("hasMore") or not sessions:
                break
        return records

    async def _key(self, session_id: str) -> str | None:
        key = await self._sessions.key_of(session_id)
        if key:
            return key
        _, default = await self._sessions.agents()
        params = {"key": f"agent:{default}:xo:params:{session_id}", "allowMissing": True}
        response = row(await self._gateway.call("sessions.resolve", params))
        return text_of(response.get("key")) if response.get("ok") else None

    async def _records(self, key: str) -> list[Row]:
        """Fetch all records, newest page first, and return them in order."""
        params: dict[str, Any] = {
            "sessionKey": key,
            "limit": HISTORY_PAGE,
            "maxChars": MAX_CHARACTERS,
        }
        records: list[Row] = []
        while len(records) < MAX_RECORDS:
            page = row(await self._gateway.call("chat.history", {**params, "offset": len(records)}))
            messages = rows(page.get("messages"))
            records = [*messages, *records]
            if not page.get("hasMore") or not messages:
                break
        return records
