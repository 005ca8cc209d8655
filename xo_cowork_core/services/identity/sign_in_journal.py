"""The open browser sign-ins, with their poll tokens, in a file of mode 0600.

It also holds which sign-ins of the settings were consumed, so that a restart does not repeat them.
"""

import asyncio
import hashlib
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple, cast

from pydantic import SecretStr

from xo_cowork_core.services.secrets.redaction import SecretRedactor
from xo_cowork_core.storage.json_file import JsonFile, JsonObject

VERSION = 1
MAX_PENDING = 32
PENDING_LIFE = timedelta(hours=1)
MAX_CONSUMED = 32
log = logging.getLogger("xo_cowork.identity")


class PendingSignIn(NamedTuple):
    """A sign-in that was started here. `base_url` is the service that knows it."""

    base_url: str
    auth_session_id: str
    poll_token: SecretStr
    started_at: datetime


class SignInJournal:
    """Remembers poll tokens for an hour, at most `MAX_PENDING`, the newest."""

    def __init__(self, path: Path, redactor: SecretRedactor) -> None:
        self._file = JsonFile(path, version=VERSION)
        self._redactor = redactor
        self._pending: list[PendingSignIn] = []
        self._consumed: list[str] = []
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        """Read the file. A damaged one is set aside: those sign-ins are started again."""
        await asyncio.to_thread(self._read)
        self._redactor.add(each.poll_token for each in self._pending)

    def find_poll_token(self, base_url: str, auth_session_id: str) -> SecretStr | None:
        """Return the poll token of a sign-in that was started here."""
        for each in self._pending:
            if (each.base_url, each.auth_session_id) == (base_url, auth_session_id):
                return each.poll_token
        return None

    def is_consumed(self, auth_session_id: str) -> bool:
        """Return whether a sign-in of the settings was consumed, or refused for good."""
        return _fingerprint(auth_session_id) in self._consumed

    async def add(self, pending: PendingSignIn) -> None:
        """Remember a sign-in. A disk that refuses is logged: it is kept in memory then."""
        self._redactor.add([pending.poll_token])
        oldest = pending.started_at - PENDING_LIFE
        recent = [each for each in self._pending if each.started_at >= oldest]
        self._pending = [*recent, pending][-MAX_PENDING:]
        await self._write()

    async def remove(self, auth_session_id: str) -> None:
        """Forget the poll token of a sign-in that has ended."""
        self._pending = [each for each in self._pending if each.auth_session_id != auth_session_id]
        await self._write()

    async def clear(self) -> None:
        """Forget every open sign-in."""
        self._pending = []
        await self._write()

    async def mark_consumed(self, auth_session_id: str) -> None:
        """Remember that a sign-in of the settings is not to be consumed again."""
        if not self.is_consumed(auth_session_id):
            self._consumed = [*self._consumed, _fingerprint(auth_session_id)][-MAX_CONSUMED:]
            await self._write()

    async def _write(self) -> None:
        async with self._lock:
            value: JsonObject = {
                "version": VERSION,
                "pending": [_encode(each) for each in self._pending],
                "consumed": self._consumed,
            }
            try:
                await asyncio.to_thread(self._file.write, value)
            except OSError as error:
                log.error("open sign-ins can't be stored: %s", error.strerror)

    def _read(self) -> None:
        try:
            content = self._file.read()
        except OSError as error:
            log.error("the open sign-ins can't be read: %s", error.strerror)
            return
        if content.set_aside:
            name = content.set_aside.name
            log.error("the open sign-ins are lost: %s; kept as %s", content.problem, name)
        self._pending = [
            pending for row in _rows(content.value, "pending") if (pending := _decode(row))
        ]
        self._consumed = [row for row in _rows(content.value, "consumed") if isinstance(row, str)]


def _fingerprint(auth_session_id: str) -> str:
    return hashlib.sha256(auth_session_id.encode()).hexdigest()


def _rows(value: Mapping[str, object], name: str) -> Sequence[object]:
    rows = value.get(name)
    return cast("list[object]", rows) if isinstance(rows, list) else []


def _encode(pending: PendingSignIn) -> JsonObject:
    return {
        "base_url": pending.base_url,
        "auth_session_id": pending.auth_session_id,
        "poll_token": pending.poll_token.get_secret_value(),
        "started_at": pending.started_at.isoformat(),
    }


def _decode(row: object) -> PendingSignIn | None:
    """Return the sign-in of a row, None for a row that is damaged."""
    if not isinstance(row, dict):
        return None
    entries = cast("dict[str, object]", row)
    names = ("base_url", "auth_session_id", "poll_token", "started_at")
    texts = [entries.get(name) for name in names]
    try:
        base_url, auth_session_id, poll_token, started_at = map(_require_text, texts)
        moment = datetime.fromisoformat(started_at)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return PendingSignIn(base_url, auth_session_id, SecretStr(poll_token), moment)


def _require_text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("not a text")
    return value
