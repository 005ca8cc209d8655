"""The remotes of one connector: its connections, as sections of rclone's configuration.

The host keeps and refreshes the tokens. A section has the access token alone, so that rclone never
refreshes, and two refreshes never race; it is rewritten before the first use of each new token.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from xo_cowork_core.sdk import HostContext, NotFound, Unauthorized, Unavailable, XoError
from xo_cowork_core.sdk.connector import ConnectionStatus, TokenSet
from xo_lib_rclone.backend import Options, RcloneBackend, StoredRemote
from xo_lib_rclone.errors import OVERLOAD_SECONDS, NeedsSignIn, SectionMissing, TokenRefused
from xo_lib_rclone.rc import RemoteControl
from xo_lib_rclone.sections import read_sections

# answers to the questions of rclone's configuration, none of which may wait for a person
ANSWERS: Mapping[str, str] = {
    "config_is_local": "false",
    "config_refresh_token": "false",
    "config_change_team_drive": "false",
    "config_shared_client_id": "true",
}
ACCOUNT_OPTION = "description"
# of the sections in which tokens are refreshed; the dot can't be in a remote's name
REFRESH_PREFIX = "refresh."
OWN_OPTIONS = frozenset({"type", "token", ACCOUNT_OPTION})
UNKNOWN_STATES = frozenset({"needs_auth", "disconnected"})
COMPLETE_SECONDS = 5.0
T = TypeVar("T")


class Remote(NamedTuple):
    """One remote: the state of its connection, and its stored options."""

    status: ConnectionStatus
    options: Options

    @property
    def name(self) -> str:
        """The name of the remote, and of the connection."""
        return self.status.connection


class _Written(NamedTuple):
    """What the daemon of a generation has of a remote."""

    generation: int
    tokens: TokenSet
    account: str


class Remotes:
    """Lists the remotes and makes one ready before each operation."""

    def __init__(
        self, context: HostContext, connector: str, backend: RcloneBackend, rc: RemoteControl
    ) -> None:
        self._context = context
        self._connector = connector
        self._backend = backend
        self._rc = rc
        self._written: dict[str, _Written] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def list(self) -> Sequence[Remote]:
        """Return the remotes that are signed in, or were and need a new sign-in.

        The options of those that were never used are asked for first, for at most 5 s.
        """
        remotes = await self._read_all()
        if await self._complete(remotes):
            return await self._read_all()
        return remotes

    async def complete(self, name: str) -> None:
        """Ask for the options of a remote if it was never used. Raises as `prepare`."""
        for remote in await self._read_all():
            if remote.name == name and not self._backend.is_complete(remote.options):
                await self.prepare(name)

    async def _read_all(self) -> Sequence[Remote]:
        statuses = self._context.connections.statuses(self._connector)
        stored = await asyncio.to_thread(self._read_sections)
        return [
            Remote(status, _stored_options(stored, status))
            for status in statuses
            if status.state not in UNKNOWN_STATES
        ]

    async def _complete(self, remotes: Sequence[Remote]) -> bool:
        """Return whether options of one of the remotes were learnt."""
        names = [
            each.name
            for each in remotes
            if each.status.is_connected and not self._backend.is_complete(each.options)
        ]
        try:
            async with asyncio.timeout(COMPLETE_SECONDS):
                for name in names:
                    await self.prepare(name)
        except (XoError, TimeoutError) as error:
            self._context.log.warning("the options of a remote are not known yet: %s", error)
        return bool(names)

    def find(self, name: str) -> ConnectionStatus:
        """Return the connection of a checked name. Raises NotFound."""
        status = self._context.connections.status(self._connector, name)
        if status.state in UNKNOWN_STATES:
            raise NotFound(f"There is no remote {name}.")
        return status

    async def run(self, name: str, operation: Callable[[], Awaitable[T]]) -> T:
        """Run an operation on a remote that is ready; once more with new tokens if refused.

        Raises NotFound for an unknown remote, NeedsSignIn, and what the operation raises.
        """
        tokens = await self.prepare(name)
        try:
            return await operation()
        except SectionMissing:
            # another program has edited the file
            self._written.pop(name, None)
            await self.prepare(name)
            return await operation()
        except TokenRefused:
            await self.prepare(name, refused=tokens)
        try:
            return await operation()
        except TokenRefused:
            raise await self._refusal(name) from None

    async def prepare(self, name: str, *, refused: TokenSet | None = None) -> TokenSet:
        """Let rclone have valid tokens of a remote, newer than `refused`; return them.

        Raises NotFound, NeedsSignIn, Unavailable, and what the backend raises.
        """
        status = self.find(name)
        async with self._locks.setdefault(name, asyncio.Lock()):
            tokens = await self._valid_tokens(name, refused)
            account = _mark_of(status)
            try:
                await self._keep_written(name, tokens, account)
            except Unauthorized:
                # the backend asked the service for options
                tokens = await self._valid_tokens(name, tokens)
                try:
                    await self._keep_written(name, tokens, account)
                except Unauthorized:
                    raise await self._refusal(name) from None
            return tokens

    async def forget(self, name: str) -> None:
        """Remove the section of a remote, if there is one."""
        self._written.pop(name, None)
        if name in await asyncio.to_thread(self._read_sections):
            await self._rc.call("config/delete", {"name": name})

    async def set_options(self, name: str, options: Options) -> None:
        """Store options of a remote, such as the drive that a person chose."""
        await self.prepare(name)
        await self._update(name, options)

    async def _valid_tokens(self, name: str, refused: TokenSet | None) -> TokenSet:
        tokens = self._context.tokens
        try:
            if refused is None:
                return await tokens.get(self._connector, name)
            return await tokens.refresh(self._connector, refused, name)
        except Unauthorized:
            raise self._needs_sign_in(name) from None
        except Unavailable as error:
            details = {"code": "upstream_unreachable", **error.details}
            retry_after = error.retry_after or OVERLOAD_SECONDS
            raise Unavailable(error.message, details=details, retry_after=retry_after) from None

    async def _keep_written(self, name: str, tokens: TokenSet, account: str) -> None:
        """Write the section of a remote unless the running daemon has it."""
        async with self._rc.daemon.use() as endpoint:
            written = _Written(endpoint.generation, tokens, account)
            if self._written.get(name) != written:
                await self._write(name, tokens, account)
                self._written[name] = written

    async def _refusal(self, name: str) -> NeedsSignIn:
        """Return the error of tokens that the service refuses though they are new."""
        await self._context.connections.check(self._connector, name)
        return self._needs_sign_in(name)

    def _needs_sign_in(self, name: str) -> NeedsSignIn:
        status = self._context.connections.status(self._connector, name)
        reason = status.reason or f"{self._backend.title} refuses the sign-in."
        return NeedsSignIn(
            f"{reason} Sign in again to {name}.",
            details={"code": NeedsSignIn.code, "state": status.state, "reason": reason},
        )

    async def _write(self, name: str, tokens: TokenSet, account: str) -> None:
        sections = await asyncio.to_thread(self._read_sections)
        section = sections.get(name, {})
        is_same = section.get("type") == self._backend.type
        is_same = is_same and section.get(ACCOUNT_OPTION, "") == account
        stored = StoredRemote(name, _without_own(section) if is_same else {})
        own = {"token": encode_token(tokens), ACCOUNT_OPTION: account}
        options = {**await self._backend.options(stored, tokens), **own}
        if is_same:
            await self._update(name, options)
            return
        if section:
            await self._rc.call("config/delete", {"name": name})
        await self._rc.call(
            "config/create",
            {
                "name": name,
                "type": self._backend.type,
                "parameters": {**options, **ANSWERS},
                "opt": {"nonInteractive": True},
            },
        )
        await self._forget_removed(sections)

    async def _update(self, name: str, options: Options) -> None:
        await self._rc.call(
            "config/update",
            {
                "name": name,
                "parameters": {**options, **ANSWERS},
                "opt": {"nonInteractive": True},
            },
        )

    async def _forget_removed(self, sections: Mapping[str, Options]) -> None:
        """Remove the sections of connections that were disconnected by another route."""
        known = {
            status.connection
            for status in self._context.connections.statuses(self._connector)
            if status.state not in UNKNOWN_STATES
        }
        for name in sections.keys() - known:
            if not name.startswith(REFRESH_PREFIX):
                await self.forget(name)

    def _read_sections(self) -> Mapping[str, Options]:
        return read_sections(self._rc.daemon.config_file())


def encode_token(tokens: TokenSet) -> str:
    """Return rclone's `token` option: the access token alone. In clear text, for a 0600 file."""
    entries = {
        "access_token": tokens.access_token.get_secret_value(),
        "token_type": tokens.token_type,
    }
    if tokens.expires_at is not None:
        entries["expiry"] = tokens.expires_at.isoformat()
    return json.dumps(entries)


def account_mark(account: str) -> str:
    """Return a mark of an account's id, so that nobody gets the options of another account."""
    return "account " + hashlib.sha256(account.encode()).hexdigest()[:16]


def _mark_of(status: ConnectionStatus) -> str:
    return account_mark(status.account.id if status.account else "")


def _stored_options(sections: Mapping[str, Options], status: ConnectionStatus) -> Options:
    section = sections.get(status.connection, {})
    if section.get(ACCOUNT_OPTION) != _mark_of(status):
        return {}
    return _without_own(section)


def _without_own(section: Options) -> Options:
    return {name: value for name, value in section.items() if name not in OWN_OPTIONS}
