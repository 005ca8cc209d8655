"""Tokens with which the agent of a turn reaches routes of this server that are made for agents.

A session has one token, random and in memory alone: a process that outlives a turn keeps it. It
works only while a turn of that session runs, for the scopes of that turn; between turns, and after
the session's end, it opens nothing. Agents whose sessions share one configuration, or one process,
have a token for all of them, which works while any of their turns runs, for the scopes of those
turns that it is meant for.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from typing import NamedTuple

from pydantic import SecretStr

from xo_cowork_core.sdk import Turn

TOKEN_BYTES = 32
MAX_SESSIONS = 4096


class RunGrant(NamedTuple):
    """What a token allows: the scopes of the turns that have it, and the newest of those turns."""

    stream_id: str
    session_id: str
    agent_name: str
    scopes: frozenset[str]


class RunTokens:
    """Issues tokens and checks them. Nothing is stored; a restart makes every token invalid.

    `redact` keeps secrets out of logs.
    """

    def __init__(self, redact: Callable[[Collection[SecretStr]], None]) -> None:
        self._redact = redact
        # by session id, the least recently used first
        self._sessions: OrderedDict[str, _IssuedToken] = OrderedDict()
        # by agent name and the beginning of its scopes
        self._shared: dict[tuple[str, str], _IssuedToken] = {}
        # by stream id, oldest first
        self._grants: dict[str, RunGrant] = {}
        self._next_end = asyncio.Event()

    def issue(self, turn: Turn, agent_name: str, scopes: Collection[str]) -> SecretStr:
        """Return the token of the turn's session, and let it open `scopes` until `end`.

        A further call for the same turn adds scopes.
        """
        known = self._grants.get(turn.stream_id)
        granted = frozenset(scopes).union(known.scopes if known else ())
        grant = RunGrant(turn.stream_id, turn.session_id, agent_name, granted)
        self._grants[turn.stream_id] = grant
        return self._session_token(turn.session_id).value

    def move(self, stream_id: str, session_id: str) -> None:
        """Move a turn's token to the id that its session has got."""
        grant = self._grants.get(stream_id)
        if grant is None or grant.session_id == session_id:
            return
        self._sessions[session_id] = self._sessions.pop(grant.session_id)
        self._grants[stream_id] = grant._replace(session_id=session_id)

    def share(self, agent_name: str, prefix: str) -> SecretStr:
        """Return the token of all sessions of an agent for the scopes that begin with `prefix`."""
        token = self._shared.get((agent_name, prefix))
        if token is None:
            token = self._shared[agent_name, prefix] = self._new_token()
        return token.value

    def check(self, token: str) -> RunGrant | None:
        """Return what a token allows at the moment; None where no turn that has it runs."""
        digest = _digest(token)
        known = [self._restrict(grant, digest) for grant in self._grants.values()]
        grants = [grant for grant in known if grant is not None]
        return _join(grants) if grants else None

    def is_issued(self, token: str) -> bool:
        """Return whether a token was issued, for a turn that runs or for another."""
        digest = _digest(token)
        tokens = [*self._sessions.values(), *self._shared.values()]
        return any(token.matches(digest) for token in tokens)

    def end(self, stream_id: str) -> None:
        """End what a turn's token allows. Harmless for a turn without one."""
        if self._grants.pop(stream_id, None) is not None:
            self._next_end.set()
            self._next_end = asyncio.Event()

    @contextmanager
    def ended_on_error(self, stream_id: str) -> Generator[None]:
        """End what a turn's token allows when the block raises."""
        try:
            yield
        except BaseException:
            self.end(stream_id)
            raise

    async def wait_for_end(self, token: str) -> None:
        """Return when no turn that has a token runs any more."""
        while self.check(token) is not None:
            await self._next_end.wait()

    def _restrict(self, grant: RunGrant, digest: bytes) -> RunGrant | None:
        """Return what a token allows of a turn's grant; None when it is not of that turn."""
        own = self._sessions.get(grant.session_id)
        if own is not None and own.matches(digest):
            return grant
        for (agent_name, prefix), token in self._shared.items():
            if agent_name == grant.agent_name and token.matches(digest):
                scopes = frozenset(scope for scope in grant.scopes if scope.startswith(prefix))
                return grant._replace(scopes=scopes)
        return None

    def _session_token(self, session_id: str) -> "_IssuedToken":
        token = self._sessions.get(session_id) or self._new_token()
        self._sessions[session_id] = token
        self._sessions.move_to_end(session_id)
        running = {grant.session_id for grant in self._grants.values()}
        idle = (each for each in self._sessions if each not in running)
        if len(self._sessions) > MAX_SESSIONS and (oldest := next(idle, None)):
            del self._sessions[oldest]
        return token

    def _new_token(self) -> "_IssuedToken":
        token = secrets.token_urlsafe(TOKEN_BYTES)
        issued = _IssuedToken(SecretStr(token), _digest(token))
        self._redact([issued.value])
        return issued


class _IssuedToken(NamedTuple):
    value: SecretStr
    digest: bytes

    def matches(self, digest: bytes) -> bool:
        return hmac.compare_digest(digest, self.digest)


def _join(grants: list[RunGrant]) -> RunGrant:
    """Return one grant for the turns that share a token: that of the newest, with all scopes."""
    newest = grants[-1]
    scopes = frozenset[str]().union(*(grant.scopes for grant in grants))
    return newest._replace(scopes=scopes)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
