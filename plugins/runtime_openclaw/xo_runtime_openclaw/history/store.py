"""History: from the gateway when it runs, else from what it left on disk."""

import asyncio
from collections.abc import Sequence
from typing import Any

from xo_cowork_core.sdk import HostContext, Message, SessionRecord
from xo_runtime_openclaw.gateway.frames import Refused, Row, row, rows, text_of
from xo_runtime_openclaw.gateway.gateway import Gateway
from xo_runtime_openclaw.gateway.unavailable import GatewayUnavailable
from xo_runtime_openclaw.history.messages import messages_of
from xo_runtime_openclaw.history.offline import Offline
from xo_runtime_openclaw.history.records import record_of
from xo_runtime_openclaw.run.sessions import Sessions

LIST_PAGE = 500
MAX_SESSIONS = 20_000
HISTORY_PAGE = 1000
MAX_RECORDS = 100_000
MAX_CHARACTERS = 500_000


class Store:
    """Reads; never writes."""

    def __init__(self, context: HostContext, gateway: Gateway, sessions: Sessions) -> None:
        self._context = context
        self._gateway = gateway
        self._sessions = sessions
        self._offline = Offline(context.paths.home / ".openclaw")

    async def sessions(self) -> Sequence[SessionRecord]:
        """List every session."""
        try:
            return await self._listed()
        except (GatewayUnavailable, Refused):
            return await asyncio.to_thread(self._offline.sessions)

    async def session(self, session_id: str) -> SessionRecord | None:
        """Find one session."""
        try:
            key = await self._key(session_id)
            if key is None:
                return None
            found = row(await self._gateway.call("sessions.describe", {"key": key}))
            return record_of(row(found.get("session")))
        except (GatewayUnavailable, Refused):
            return await asyncio.to_thread(self._offline.session, session_id)

    async def messages(self, session_id: str) -> Sequence[Message] | None:
        """Return a session's messages."""
        try:
            key = await self._key(session_id)
            return None if key is None else messages_of(await self._records(key))
        except (GatewayUnavailable, Refused):
            return await asyncio.to_thread(self._offline.messages, session_id)

    async def _listed(self) -> list[SessionRecord]:
        records: list[SessionRecord] = []
        while len(records) < MAX_SESSIONS:
            asked = {"limit": LIST_PAGE, "offset": len(records), "includeDerivedTitles": True}
            page = row(await self._gateway.call("sessions.list", asked))
            found = rows(page.get("sessions"))
            records += [record for session in found if (record := record_of(session))]
            if not page.get("hasMore") or not found:
                break
        return records

    async def _key(self, session_id: str) -> str | None:
        key = await self._sessions.key_of(session_id)
        if key:
            return key
        _, default = await self._sessions.agents()
        again = {"key": f"agent:{default}:xo:again:{session_id}", "allowMissing": True}
        found = row(await self._gateway.call("sessions.resolve", again))
        return text_of(found.get("key")) if found.get("ok") else None

    async def _records(self, key: str) -> list[Row]:
        """Fetch all records, newest page first, and put them in order."""
        asked: dict[str, Any] = {
            "sessionKey": key,
            "limit": HISTORY_PAGE,
            "maxChars": MAX_CHARACTERS,
        }
        records: list[Row] = []
        while len(records) < MAX_RECORDS:
            page = row(await self._gateway.call("chat.history", {**asked, "offset": len(records)}))
            found = rows(page.get("messages"))
            records = [*found, *records]
            if not page.get("hasMore") or not found:
                break
        return records
