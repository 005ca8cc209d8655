"""Refresh: one at a time, ahead of expiry, the rotated token stored before it is used."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.connectors.engine import (
    CONNECTOR,
    eventually,
)
from tests.support.connectors.fixtures import oauth_engine
from tests.support.turn_engine import FakeClock, in_event_loop
from xo_cowork_core.sdk import Unavailable
from xo_cowork_core.sdk.connector import Account, TokenSet
from xo_cowork_core.sdk.testing.oauth_server import FakeOAuthServer
from xo_cowork_core.services.connectors.errors import NeedsAuth
from xo_cowork_core.storage.json_file import JsonFile


def refreshes(server: FakeOAuthServer) -> int:
    return len(server.requests("token", grant_type="refresh_token"))


@in_event_loop
async def test_fifty_parallel_callers_make_one_refresh(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    clock = FakeClock()
    async with oauth_engine(tmp_path, server, clock=clock) as engine:
        await engine.signed_in(server)
        old = await engine.connections.get(CONNECTOR)
        clock.advance(3600 - 59)
        got = await asyncio.gather(*(engine.connections.get(CONNECTOR) for _ in range(50)))
        assert refreshes(server) == 1
        assert len({tokens.access_token.get_secret_value() for tokens in got}) == 1
        assert got[0].access_token != old.access_token
        assert server.is_valid(got[0].access_token.get_secret_value())


@in_event_loop
async def test_tokens_with_more_than_a_minute_left_are_not_refreshed(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    clock = FakeClock()
    async with oauth_engine(tmp_path, server, clock=clock) as engine:
        await engine.signed_in(server)
        clock.advance(3600 * 0.8 - 1)
        await engine.connections.get(CONNECTOR)
        assert refreshes(server) == 0


@in_event_loop
async def test_tokens_are_refreshed_by_themselves_at_80_percent_of_their_life(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    clock = FakeClock()
    async with oauth_engine(tmp_path, server, clock=clock) as engine:
        await engine.signed_in(server)
        clock.advance(3600 * 0.8 + 1)
        await engine.signed_in(server, connection="work")  # wakes the refresher
        await eventually(lambda: refreshes(server), lambda count: count == 1)
        await eventually(
            lambda: engine.connections.status(CONNECTOR).expires_at,
            lambda moment: moment is not None and moment > clock.now() + timedelta(minutes=59),
        )


@in_event_loop
async def test_a_rotated_token_is_on_the_disk_before_a_caller_has_the_new_one(
    tmp_path: Path, server: FakeOAuthServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    async with oauth_engine(tmp_path, server, clock=clock) as engine:
        await engine.signed_in(server)
        clock.advance(3600)
        write = JsonFile.write
        full = True

        def write_unless_full(file: JsonFile, value: dict[str, Any]) -> None:
            if full:
                raise OSError(28, "No space left on device")
            write(file, value)

        monkeypatch.setattr(JsonFile, "write", write_unless_full)
        with pytest.raises(Unavailable):
            await engine.connections.get(CONNECTOR)
        assert engine.connections.status(CONNECTOR).state == "degraded"
        full = False
        tokens = await engine.connections.get(CONNECTOR)
        # the token that the server rotated is not sent a second time
        assert refreshes(server) == 1
        assert server.is_valid(tokens.access_token.get_secret_value())
        stored = (tmp_path / "tokens" / f"{CONNECTOR}.json").read_text()
        assert tokens.refresh_token
        assert tokens.refresh_token.get_secret_value() in stored


@in_event_loop
async def test_refreshes_of_two_servers_in_turn_survive_reuse_detection(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    clock = FakeClock()
    for _ in range(3):
        async with oauth_engine(tmp_path, server, clock=clock) as engine:
            if engine.connections.status(CONNECTOR).state == "needs_auth":
                await engine.signed_in(server)
            clock.advance(3600)
            tokens = await engine.connections.get(CONNECTOR)
            assert server.is_valid(tokens.access_token.get_secret_value())
    assert refreshes(server) == 3


@in_event_loop
async def test_a_failing_server_degrades_the_connection_and_keeps_its_token(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    clock = FakeClock()
    async with oauth_engine(tmp_path, server, clock=clock) as engine:
        await engine.signed_in(server)
        clock.advance(3600 - 30)
        server.fault("token", 503, times=2)
        # the old token still works for half a minute
        old = await engine.connections.get(CONNECTOR)
        status = engine.connections.status(CONNECTOR)
        assert (status.state, status.next_try) == ("degraded", clock.now() + timedelta(seconds=1))
        clock.advance(31)
        with pytest.raises(Unavailable):
            await engine.connections.get(CONNECTOR)
        with pytest.raises(Unavailable):
            await engine.connections.get(CONNECTOR)
        # it is not asked again before its time
        assert refreshes(server) == 2
        clock.advance(2)
        new = await engine.connections.get(CONNECTOR)
        assert new.access_token != old.access_token
        assert engine.connections.status(CONNECTOR).state == "connected"


@in_event_loop
async def test_a_revoked_grant_needs_a_person_and_deletes_nothing(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    clock = FakeClock()
    async with oauth_engine(tmp_path, server, clock=clock) as engine:
        await engine.signed_in(server)
        server.revoke_all()
        clock.advance(3600)
        with pytest.raises(NeedsAuth):
            await engine.connections.get(CONNECTOR)
    async with oauth_engine(tmp_path, server, clock=clock) as engine:
        status = engine.connections.status(CONNECTOR)
        assert status.state == "needs_reauth"
        assert status.account and status.account.username == "octo"
        with pytest.raises(NeedsAuth):
            await engine.connections.get(CONNECTOR)
        assert refreshes(server) == 1
        assert (tmp_path / "tokens" / f"{CONNECTOR}.json").exists()
        await engine.signed_in(server)
        assert engine.connections.status(CONNECTOR).state == "connected"


@in_event_loop
async def test_a_refresh_that_no_caller_waits_for_any_more_is_stored(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    clock = FakeClock()
    async with oauth_engine(tmp_path, server, clock=clock) as engine:
        await engine.signed_in(server)
        clock.advance(3600)
        with server.hold("token") as hold:
            caller = asyncio.create_task(engine.connections.get(CONNECTOR))
            await asyncio.to_thread(hold.wait)
            assert engine.connections.status(CONNECTOR).state == "refreshing"
            caller.cancel()
            await asyncio.wait({caller})
    async with oauth_engine(tmp_path, server, clock=clock) as engine:
        tokens = await engine.connections.get(CONNECTOR)
        assert server.is_valid(tokens.access_token.get_secret_value())
        assert refreshes(server) == 1


@in_event_loop
async def test_disconnect_during_a_refresh_leaves_no_token(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    clock = FakeClock()
    async with oauth_engine(tmp_path, server, clock=clock) as engine:
        await engine.signed_in(server)
        clock.advance(3600)
        with server.hold("token") as hold:
            caller = asyncio.create_task(engine.connections.get(CONNECTOR))
            await asyncio.to_thread(hold.wait)
            leaving = asyncio.create_task(engine.connections.disconnect(CONNECTOR))
            await asyncio.sleep(0)
        tokens = await caller
        assert (await leaving).state == "disconnected"
        # the new tokens were revoked too
        assert not server.is_valid(tokens.access_token.get_secret_value())
        assert engine.connections.status(CONNECTOR).state == "disconnected"
        with pytest.raises(NeedsAuth):
            await engine.connections.get(CONNECTOR)


@in_event_loop
async def test_a_check_refreshes_a_refused_token_once_and_only_if_it_is_still_the_newest(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    clock = FakeClock()
    async with oauth_engine(tmp_path, server, clock=clock) as engine:
        await engine.signed_in(server)
        server.expire("access")
        clock.advance(61)
        status = await engine.connections.check(CONNECTOR)
        assert (status.state, refreshes(server)) == ("connected", 1)
        connector, identify = engine.connector, engine.connector.identify

        async def identify_late(tokens: TokenSet) -> Account:
            # while the service refuses the old token, another caller has it refreshed
            connector.identify = identify
            clock.advance(3600)
            await engine.connections.get(CONNECTOR)
            server.store.access.pop(tokens.access_token.get_secret_value(), None)
            return await identify(tokens)

        connector.identify = identify_late
        clock.advance(61)
        status = await engine.connections.check(CONNECTOR)
        assert (status.state, refreshes(server)) == ("connected", 2)
