"""Flags that a person sets on a session hold, also while that session is indexed."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from tests.support.index_home import IndexedHome
from xo_cowork_core.services.clock import SystemClock
from xo_cowork_core.services.history.host_history import HostHistory
from xo_cowork_core.services.history.hosted_sessions import HostedSession, HostedSessions
from xo_cowork_core.services.history.interrupted_answers import InterruptedAnswers
from xo_cowork_core.services.index import queries
from xo_cowork_core.services.index.session_rows import Flags, SessionRow
from xo_cowork_core.services.runtimes.registry import Registry
from xo_cowork_core.services.sessions.changes import SessionChanges
from xo_cowork_core.services.sessions.host_session_source import HostSessionSource
from xo_cowork_core.services.sessions.sessions import Sessions
from xo_cowork_core.storage.database import Database
from xo_cowork_core.storage.state_schema import STEPS

NOW = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
ROW = SessionRow("s", "demo", None, "As it was", NOW, NOW, 0)
A_WHILE = 1.0


class Held(HostedSessions):
    """Holds who reads a session, once, after what it read."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.was_read, self.go_on = asyncio.Event(), asyncio.Event()

    async def one(self, session_id: str) -> HostedSession | None:
        found = await super().one(session_id)
        if not self.was_read.is_set():
            self.was_read.set()
            await self.go_on.wait()
        return found


async def close_nothing(session_id: str, agent_name: str) -> None:
    """A registry of runtimes without any session."""


class World:
    """A host's table, an index, and the source between them."""

    def __init__(self, tmp_path: Path) -> None:
        none = cast("Any", None)
        registry = Registry()
        self.database = Database(tmp_path / "state.db", STEPS)
        self.running = IndexedHome(tmp_path).index()
        self.index = self.running.index
        self.hosted = Held(self.database)
        history, interrupted = HostHistory(self.database), InterruptedAnswers(self.database)
        self.feed = HostSessionSource(self.index, registry, self.hosted, history)
        self.changes = SessionChanges(
            clock=SystemClock(),
            sessions=Sessions(
                self.database, registry, history, self.hosted, interrupted, self.index
            ),
            hosted=self.hosted,
            index=self.index,
            workspace=none,
            trash=none,
            running_stream=lambda _: None,
            close_session=close_nothing,
        )

    async def titles(self) -> list[str]:
        _, listed = await self.index.query(
            lambda connection: queries.sessions_page(
                connection, agent_name=None, agent_id=None, limit=9, offset=0
            )
        )
        return [session.title for session in listed]


def changed_during_indexing(
    tmp_path: Path, change: Callable[[SessionChanges], Coroutine[Any, Any, object]]
) -> list[str]:
    """Index a session and change it meanwhile; return the titles that are listed afterwards."""

    async def run() -> list[str]:
        world = World(tmp_path)
        world.database.open()
        await world.running.start()
        await world.hosted.reserve(ROW, None)
        world.feed.note("s")
        telling = asyncio.create_task(world.feed.refresh())
        await world.hosted.was_read.wait()
        changing = asyncio.create_task(change(world.changes))
        # it may have to wait for the one that reads
        await asyncio.wait({changing}, timeout=A_WHILE)
        world.hosted.go_on.set()
        await asyncio.gather(telling, changing)
        titles = await world.titles()
        await world.running.stop()
        await world.database.close()
        return titles

    return asyncio.run(run())


def test_a_session_deleted_while_it_is_indexed_stays_deleted(tmp_path: Path) -> None:
    assert changed_during_indexing(tmp_path, lambda changes: changes.delete("s")) == []


def test_a_title_set_while_a_session_is_indexed_is_listed(tmp_path: Path) -> None:
    titles = changed_during_indexing(
        tmp_path, lambda changes: changes.update("s", title="As it is")
    )
    assert titles == ["As it is"]


def test_sessions_that_a_new_index_lacks_are_written_to_it_without_being_asked(
    tmp_path: Path,
) -> None:
    async def run() -> list[str]:
        world = World(tmp_path)
        world.database.open()
        await world.running.start()
        await world.hosted.reserve(ROW, None)
        world.hosted.was_read.set()
        await world.feed.refresh()
        titles = await world.titles()
        await world.running.stop()
        await world.database.close()
        return titles

    assert asyncio.run(run()) == [ROW.title]


def test_sessions_hidden_and_shown_while_the_index_is_closed_are_so_when_it_opens(
    tmp_path: Path,
) -> None:
    flags = {"first": Flags(hidden=True), "second": Flags(), "third": Flags(hidden=True)}

    async def titles(flags: Mapping[str, Flags], *, write: bool = False) -> list[str]:
        world = World(tmp_path)
        await world.running.start(flags)
        for session_id in flags if write else ():
            row = replace(ROW, session_id=session_id, title=session_id)
            await world.index.write_session(row, None)
        found = await world.titles()
        await world.running.stop()
        return sorted(found)

    async def run() -> None:
        assert await titles(flags, write=True) == ["second"]
        changed = {**flags, "first": Flags(), "second": Flags(hidden=True)}
        assert await titles(changed) == ["first"]
        assert await titles({}) == ["first", "second", "third"]

    asyncio.run(run())
