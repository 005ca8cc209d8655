"""The token of a session works while its turn runs, and never longer."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.support.turn_engine import FunctionRuntime, TurnEngine, in_event_loop
from xo_cowork_core.sdk import Conflict, Event, OpensSessions, TextDelta, Turn, Unavailable
from xo_cowork_core.services.sessions.host_session_source import HostSessionSource
from xo_cowork_core.services.turns.prompt import Prompt
from xo_cowork_core.services.turns.session_reservations import SessionReservations
from xo_cowork_core.services.workspace import Workspace

OPENED = "assigned-by-the-agent"


async def _until_stopped(turn: Turn) -> AsyncGenerator[Event, None]:
    yield TextDelta("working")
    await asyncio.Event().wait()


class OpeningRuntime(FunctionRuntime, OpensSessions):
    """Assigns the id of its sessions, or fails to."""

    fails = False
    opened: Turn | None = None

    async def open_session(self, turn: Turn) -> str:
        self.opened = turn
        if self.fails:
            raise Unavailable("not now")
        return OPENED


def _works(engine: TurnEngine, session_id: str) -> bool:
    """Return whether the token of a session works."""
    turn = Turn("test", session_id, "", Path("/"))
    token = engine.run_tokens.issue(turn, "written", ()).get_secret_value()
    engine.run_tokens.end("test")
    return engine.run_tokens.check(token) is not None


@in_event_loop
async def test_it_works_from_the_acceptance_to_the_end_of_the_turn(tmp_path: Path) -> None:
    async with TurnEngine(tmp_path, [FunctionRuntime(_until_stopped)]) as engine:
        started = await engine.turns.start(Prompt("hello"))
        assert _works(engine, started.session_id)
        with pytest.raises(Conflict):
            await engine.turns.start(Prompt("other", session_id=started.session_id))
        assert _works(engine, started.session_id)
        await engine.turns.abort(started.stream_id)
        assert not _works(engine, started.session_id)


@in_event_loop
async def test_it_is_that_of_the_session_that_the_agent_opens(tmp_path: Path) -> None:
    runtime = OpeningRuntime(_until_stopped)
    async with TurnEngine(tmp_path, [runtime]) as engine:
        started = await engine.turns.start(Prompt("hello"))
        assert runtime.opened
        assert started.session_id == OPENED
        assert _works(engine, OPENED)
        await engine.turns.abort(started.stream_id)
        assert not _works(engine, OPENED)
        runtime.fails = True
        with pytest.raises(Unavailable):
            await engine.turns.start(Prompt("again"))
        assert runtime.opened.session_id != OPENED
        assert not _works(engine, runtime.opened.session_id)


@in_event_loop
async def test_a_reserved_session_has_none(tmp_path: Path) -> None:
    async with TurnEngine(tmp_path, [OpeningRuntime()]) as engine:
        reservations = SessionReservations(
            resolver=engine.resolver,
            sessions=engine.sessions,
            hosted=engine.hosted,
            source=HostSessionSource(engine.index, engine.registry, engine.hosted, engine.history),
            workspace=Workspace(engine.home, engine.projects),
            run_tokens=engine.run_tokens,
            clock=engine.clock,
        )
        session = await reservations.reserve(
            title=None, agent_name=None, agent_id=None, directory=None
        )
        assert session.session_id == OPENED
        assert not _works(engine, OPENED)
