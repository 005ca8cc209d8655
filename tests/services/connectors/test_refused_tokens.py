"""Tokens that the service refuses before they expire, and connectors that refresh by themselves."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.support.connectors.engine import CONNECTOR, ConnectorEngine, UserinfoConnector
from tests.support.connectors.fixtures import key_engine, oauth_engine
from tests.support.turn_engine import FakeClock, in_event_loop
from xo_cowork_core.sdk import Unauthorized
from xo_cowork_core.sdk.connector import CommandLogin, RefreshesTokens, TokenSet
from xo_cowork_core.sdk.testing.oauth_server import FakeOAuthServer
from xo_cowork_core.services.connectors.errors import NeedsAuth

DEFAULT = "default"


class SelfRefreshing(UserinfoConnector, RefreshesTokens):
    """A connector whose sign-in program has tokens for an hour, which it refreshes itself."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(None, [self._method()])
        self.clock = clock
        self.refused = False
        self.refreshed = 0

    def _method(self) -> CommandLogin:
        script = "echo https://sign-in.example/; sleep 0.05"
        return CommandLogin(["sh", "-c", script], r"https://\S+", lambda _: self.issue(0))

    def issue(self, number: int) -> TokenSet:
        end: datetime = self.clock.now() + timedelta(hours=1)
        return TokenSet(SecretStr(f"access-{number}"), SecretStr(f"refresh-{number}"), end)

    async def refresh(self, tokens: TokenSet) -> TokenSet:
        self.refreshed += 1
        await asyncio.sleep(0)
        if self.refused:
            raise Unauthorized("The grant was revoked.")
        return self.issue(self.refreshed)


@in_event_loop
async def test_refused_tokens_are_replaced_by_one_refresh(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    async with oauth_engine(tmp_path, server) as engine:
        await engine.signed_in(server)
        old = await engine.connections.get(CONNECTOR)
        new = await asyncio.gather(
            *(engine.connections.replace_refused(CONNECTOR, DEFAULT, old) for _ in range(20))
        )
        assert len(server.requests("token", grant_type="refresh_token")) == 1
        assert {tokens.access_token for tokens in new} != {old.access_token}
        # a caller that is late gets the tokens that are there by now
        late = await engine.connections.replace_refused(CONNECTOR, DEFAULT, old)
        assert late.access_token == new[0].access_token
        assert len(server.requests("token", grant_type="refresh_token")) == 1


@in_event_loop
async def test_refused_tokens_of_a_revoked_grant_ask_for_a_new_sign_in(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    async with oauth_engine(tmp_path, server) as engine:
        await engine.signed_in(server)
        old = await engine.connections.get(CONNECTOR)
        server.revoke_all()
        with pytest.raises(NeedsAuth):
            await engine.connections.replace_refused(CONNECTOR, DEFAULT, old)
        assert engine.connections.status(CONNECTOR).state == "needs_reauth"


@in_event_loop
async def test_a_refused_key_asks_for_a_new_sign_in(tmp_path: Path) -> None:
    async with key_engine(tmp_path) as engine:
        await engine.start(input="key-0123456789")
        key = await engine.connections.get(CONNECTOR)
        with pytest.raises(NeedsAuth):
            await engine.connections.replace_refused(CONNECTOR, DEFAULT, key)
        assert engine.connections.status(CONNECTOR).state == "needs_reauth"
        with pytest.raises(NeedsAuth):
            await engine.connections.replace_refused(CONNECTOR, DEFAULT, key)


async def sign_in(engine: ConnectorEngine) -> None:
    flow = await engine.start()
    await engine.reaches(flow, "completed")


@in_event_loop
async def test_a_connector_refreshes_the_tokens_of_its_program_once_for_all_callers(
    tmp_path: Path,
) -> None:
    clock = FakeClock()
    connector = SelfRefreshing(clock)
    async with ConnectorEngine(tmp_path, connector, clock=clock) as engine:
        await sign_in(engine)
        clock.advance(3600 - 30)
        got = await asyncio.gather(*(engine.connections.get(CONNECTOR) for _ in range(20)))
        assert connector.refreshed == 1
        assert {tokens.access_token.get_secret_value() for tokens in got} == {"access-1"}
    async with ConnectorEngine(tmp_path, connector, clock=clock) as restarted:
        stored = await restarted.connections.get(CONNECTOR)
        assert stored.refresh_token == SecretStr("refresh-1")


@in_event_loop
async def test_a_connector_whose_own_refresh_is_refused_asks_for_a_new_sign_in(
    tmp_path: Path,
) -> None:
    clock = FakeClock()
    connector = SelfRefreshing(clock)
    async with ConnectorEngine(tmp_path, connector, clock=clock) as engine:
        await sign_in(engine)
        connector.refused = True
        clock.advance(3600)
        with pytest.raises(NeedsAuth, match="revoked"):
            await engine.connections.get(CONNECTOR)
        assert engine.connections.status(CONNECTOR).state == "needs_reauth"
