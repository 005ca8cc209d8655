"""Tokens on disk: one file for each connector, mode 0600, replaced as a whole and synced.

The files are truth and not a cache, so a damaged one is set aside and never overwritten.
"""

import asyncio
import logging
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from xo_cowork_core.sdk.connector import Account, MethodKind, TokenSet
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_cowork_core.services.connectors.errors import StorageFailed
from xo_cowork_core.services.connectors.private_values import encode_private
from xo_cowork_core.services.secrets.redaction import SecretRedactor
from xo_cowork_core.storage.json_file import JsonFile, JsonFileContent, JsonObject

VERSION = 1
CONNECTOR_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
log = logging.getLogger("xo_cowork.connectors")


@frozen_dataclass
class StoredConnection:
    """What is kept of one connection.

    `tokens` is None after a disconnection. `method` is the id of the sign-in method, empty when
    the plugin set the tokens by itself, and `client_id` the client that got them. `refreshes` says
    that the host refreshes them. `reauth_reason` is set while a person has to sign in again, and
    `expiry_reported` once readers of events know that the tokens have expired for good.
    """

    tokens: TokenSet | None
    obtained_at: datetime
    method: str = ""
    kind: MethodKind | None = None
    client_id: str = ""
    refreshes: bool = False
    account: Account | None = None
    reauth_reason: str = ""
    changed_at: datetime | None = None
    expiry_reported: bool = False

    @property
    def can_refresh(self) -> bool:
        """Whether there is a refresh token that the host may use."""
        return self.refreshes and self.tokens is not None and bool(self.tokens.refresh_token)


ConnectionRows = Mapping[str, StoredConnection]


class TokenStore:
    """The stored connections of all connectors, by connector and connection.

    Each write is a task that is completed also when its caller is cancelled; `stop` waits for them.
    `redactor` keeps the tokens out of logs.
    """

    def __init__(self, folder: Path, redactor: SecretRedactor) -> None:
        self._folder = folder
        self._redactor = redactor
        self._rows: dict[str, ConnectionRows] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._writes: set[asyncio.Task[None]] = set()
        # connectors whose damaged file could not be renamed
        self._unreadable: set[str] = set()
        # by connector, for people: what was wrong with its file
        self.lost: dict[str, str] = {}

    async def start(self) -> None:
        """Read all files."""
        await asyncio.to_thread(self._load)

    async def stop(self) -> None:
        """Wait for the writes that were begun."""
        if self._writes:
            await asyncio.wait(self._writes)

    def redact(self, tokens: TokenSet) -> None:
        """Keep tokens out of logs."""
        secrets = [tokens.access_token, tokens.refresh_token, *tokens.extra.values()]
        self._redactor.add(secret for secret in secrets if secret is not None)

    def rows(self, connector: str) -> ConnectionRows:
        """Return a connector's connections."""
        return self._rows.get(connector, {})

    async def put(self, connector: str, connection: str, row: StoredConnection | None) -> None:
        """Store a connection, or delete it for None. It is on the disk on return.

        Raises StorageFailed; then nothing has changed.
        """
        if row is not None and row.tokens is not None:
            self.redact(row.tokens)
        if connector in self._unreadable:
            raise StorageFailed(
                f"The file of {connector}'s tokens is damaged and can't be replaced: "
                "move it out of the state folder."
            )
        write = asyncio.create_task(self._put(connector, connection, row), name="token store")
        self._writes.add(write)
        write.add_done_callback(self._writes.discard)
        # the caller may be cancelled by the time that the write fails
        write.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.shield(write)

    async def _put(self, connector: str, connection: str, row: StoredConnection | None) -> None:
        async with self._locks.setdefault(connector, asyncio.Lock()):
            rows = {name: old for name, old in self.rows(connector).items() if name != connection}
            if row is not None:
                rows[connection] = row
            value: JsonObject = {"version": VERSION, "connections": encode_private(rows)}
            file = self._file(connector)
            try:
                if rows:
                    await asyncio.to_thread(file.write, value)
                else:
                    await asyncio.to_thread(file.delete)
            except OSError as error:
                reason = error.strerror or type(error).__name__
                raise StorageFailed(f"The tokens can't be stored: {reason}.") from None
            self._rows[connector] = rows
            self.lost.pop(connector, None)

    def _file(self, connector: str) -> JsonFile:
        return JsonFile(self._folder / f"{connector}.json", version=VERSION)

    def _load(self) -> None:
        for connector in self._connectors_on_disk():
            try:
                rows, content = self._read(self._file(connector))
            except OSError as error:
                self._unreadable.add(connector)
                self._report(connector, f"The stored sign-in can't be read: {error.strerror}.")
                continue
            self._rows[connector] = rows
            for row in rows.values():
                if row.tokens is not None:
                    self.redact(row.tokens)
            if content.set_aside:
                name = content.set_aside.name
                problem = f"The stored sign-in was damaged ({content.problem})"
                self._report(connector, f"{problem}; it is kept as {name}.")

    def _report(self, connector: str, problem: str) -> None:
        self.lost[connector] = problem
        log.error("connector %s: %s", connector, problem)

    def _connectors_on_disk(self) -> Iterator[str]:
        for path in sorted(self._folder.glob("*.json")):
            if CONNECTOR_NAME.fullmatch(path.stem):
                yield path.stem

    def _read(self, file: JsonFile) -> tuple[ConnectionRows, JsonFileContent]:
        content = file.read()
        if content.set_aside:
            return {}, content
        if content.value.get("version") != VERSION:
            return {}, file.set_aside("it has no version, or another one")
        try:
            rows = TypeAdapter(dict[str, StoredConnection]).validate_python(
                content.value.get("connections")
            )
        except ValidationError:
            return {}, file.set_aside("it has another shape")
        return rows, content
