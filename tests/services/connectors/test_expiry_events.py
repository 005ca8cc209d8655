"""Tokens that expire for good are told once, whether or not a server runs at the time."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from tests.support.connectors.engine import CONNECTOR, eventually
from tests.support.connectors.fixtures import key_engine
from tests.support.turn_engine import FakeClock, in_event_loop
from xo_cowork_core.sdk.connector import TokenSet
from xo_cowork_core.services.connectors.connection import EXPIRED


@in_event_loop
async def test_an_expiry_while_no_server_ran_is_an_event_of_the_next_start_alone(
    tmp_path: Path,
) -> None:
    clock = FakeClock()
    for _ in range(2):
        async with key_engine(tmp_path, clock=clock) as engine:
            lasting = TokenSet(SecretStr("t"), expires_at=clock.now() + timedelta(hours=1))
            await engine.connections.set_tokens(CONNECTOR, "default", lasting)
        clock.advance(7200)
        engine = key_engine(tmp_path, clock=clock)
        start = engine.events.last_number
        async with engine:
            await eventually(partial(engine.events.after, start), bool)
            (event,) = engine.events.after(start) or ()
            assert (event.kind, event.status.reason) == ("needs_reauth", EXPIRED)
        async with key_engine(tmp_path, clock=clock) as engine:
            assert engine.events.states == {(CONNECTOR, "default"): "needs_reauth"}
            assert engine.connections.status(CONNECTOR).state == "needs_reauth"
            assert not engine.events.counts


@in_event_loop
async def test_an_expiry_that_was_seen_is_no_event_of_the_next_start(tmp_path: Path) -> None:
    file = tmp_path / "tokens" / f"{CONNECTOR}.json"
    async with key_engine(tmp_path) as engine:
        ended = TokenSet(SecretStr("t"), expires_at=datetime.now(UTC) - timedelta(seconds=1))
        await engine.connections.set_tokens(CONNECTOR, "default", ended)
        assert engine.events.counts == {"needs_reauth": 1}
        await eventually(lambda: '"expiry_reported": true' in file.read_text(), bool)
    async with key_engine(tmp_path) as engine:
        assert engine.events.states == {(CONNECTOR, "default"): "needs_reauth"}
        assert not engine.events.counts
