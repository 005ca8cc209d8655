"""A session that the index does not have is searched for in the runtimes' stores, in time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.turn_engine import FunctionRuntime, TurnEngine, in_event_loop
from xo_cowork_core.sdk import KeepsHistory, NotFound
from xo_cowork_core.sdk.runtime.history import Message, SessionRecord, TextPart
from xo_cowork_core.sdk.runtime.transcripts import UsageRecord
from xo_cowork_core.services.index.runtime_store_source import RuntimeStoreSource
from xo_cowork_core.services.sessions import sessions as sessions_module

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIMIT_SECONDS = 15.0


class StoreRuntime(FunctionRuntime, KeepsHistory):
    """Looks a session up with the function of a test, and counts the look-ups."""

    def __init__(
        self, name: str, look_up: Callable[[str], Awaitable[SessionRecord | None]]
    ) -> None:
        super().__init__(name=name)
        self._look_up = look_up
        self.look_ups = 0

    async def session(self, session_id: str) -> SessionRecord | None:
        self.look_ups += 1
        return await self._look_up(session_id)

    async def sessions(self) -> Sequence[SessionRecord]:
        return []

    async def messages(self, session_id: str) -> Sequence[Message] | None:
        return [Message("m", "user", (TextPart("Hello"),), NOW)]

    async def usage(self, since: datetime) -> Sequence[UsageRecord]:
        return []


async def hang(_: str) -> SessionRecord | None:
    await asyncio.Event().wait()
    return None


async def fail(_: str) -> SessionRecord | None:
    raise SystemExit(3)


async def find_none(_: str) -> SessionRecord | None:
    return None


async def find(session_id: str) -> SessionRecord | None:
    return SessionRecord(
        session_id=session_id,
        title="In a store",
        time_created=NOW,
        time_updated=NOW,
        directory=None,
        message_count=2,
    )


@pytest.mark.parametrize("look_up", [hang, fail, find_none])
@in_event_loop
async def test_a_store_that_hangs_or_fails_does_not_hide_the_session_of_another_store(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    look_up: Callable[[str], Awaitable[SessionRecord | None]],
) -> None:
    # also the limit of the store that has it
    monkeypatch.setattr(sessions_module, "FIND_SECONDS", 0.5)
    first, second = StoreRuntime("first", look_up), StoreRuntime("second", find)
    async with TurnEngine(tmp_path, [first, second]) as engine, asyncio.timeout(LIMIT_SECONDS):
        session = await engine.sessions.find("lost")
        assert session
        assert (session.agent_name, session.title) == ("second", "In a store")
        assert (first.look_ups, second.look_ups) == (1, 1)
        # from now on it is in the index
        assert await engine.sessions.find("lost") == session
        assert (first.look_ups, second.look_ups) == (1, 1)


@in_event_loop
async def test_the_messages_of_a_session_are_counted_where_its_store_does_not(
    tmp_path: Path,
) -> None:
    async def find_uncounted(session_id: str) -> SessionRecord | None:
        record = await find(session_id)
        return record and replace(record, message_count=0)

    async with TurnEngine(tmp_path, [StoreRuntime("only", find_uncounted)]) as engine:
        assert (await engine.sessions.read("uncounted")).message_count == 1


@in_event_loop
async def test_the_count_of_a_store_is_taken(tmp_path: Path) -> None:
    async with TurnEngine(tmp_path, [StoreRuntime("only", find)]) as engine:
        assert (await engine.sessions.read("counted")).message_count == 2


@in_event_loop
async def test_a_session_with_any_text_as_its_title_is_found(tmp_path: Path) -> None:
    async def find_odd(session_id: str) -> SessionRecord | None:
        record = await find(session_id)
        return record and replace(record, title="Half a \ud83e", directory="/half/a/\ud83e")

    async with TurnEngine(tmp_path, [StoreRuntime("only", find_odd)]) as engine:
        session = await engine.sessions.find("odd")
        assert session
        assert (session.title, session.directory) == ("Half a ?", "/half/a/?")


@in_event_loop
async def test_odd_texts_of_one_session_do_not_hide_the_others_of_its_store(
    tmp_path: Path,
) -> None:
    class ListingRuntime(StoreRuntime):
        async def sessions(self) -> Sequence[SessionRecord]:
            records = [await find(session_id) for session_id in ("odd", "\ud83e", "good")]
            odd, *others = filter(None, records)
            return [replace(odd, title="Half a \ud83e"), *others]

    async with TurnEngine(tmp_path, [ListingRuntime("only", find_none)]) as engine:
        await RuntimeStoreSource(engine.index, engine.registry).refresh()
        titles = [(await engine.sessions.read(name)).title for name in ("odd", "good")]
        assert titles == ["Half a ?", "In a store"]
        owner = engine.registry.runtime("only")
        assert owner
        assert "surrogate" in str(owner.plugin.faults)


@in_event_loop
async def test_a_session_whose_messages_no_index_can_hold_is_listed_without_them(
    tmp_path: Path,
) -> None:
    class OddRuntime(StoreRuntime):
        async def sessions(self) -> Sequence[SessionRecord]:
            return [record for record in [await find("odd")] if record]

        async def messages(self, session_id: str) -> Sequence[Message] | None:
            return [Message("\ud83e", "user", (TextPart("Hello"),), NOW)]

    async with TurnEngine(tmp_path, [OddRuntime("only", find_none)]) as engine:
        await RuntimeStoreSource(engine.index, engine.registry).refresh()
        session = await engine.sessions.find("odd")
        assert session
        assert session.title == "In a store"
        owner = engine.registry.runtime("only")
        assert owner
        assert "messages()" in str(owner.plugin.faults)


@in_event_loop
async def test_a_scan_that_does_not_end_is_waited_for_no_longer_than_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions_module, "FIND_SECONDS", 0.05)
    async with TurnEngine(tmp_path, [StoreRuntime("only", find_none)]) as engine:
        # after the first scan, no task of this engine serves a request
        requests = engine.index.requests
        requests.serve()
        await requests.next()
        requests.finish(0.0)
        async with asyncio.timeout(LIMIT_SECONDS):
            assert await engine.sessions.find("unknown") is None
            with pytest.raises(NotFound):
                await engine.sessions.all_messages("unknown")
        assert requests.is_scanning, "a scan was requested"
        requests.end()


@in_event_loop
async def test_a_store_of_a_plugin_that_serves_no_more_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions_module, "FIND_SECONDS", 0.05)
    runtime = StoreRuntime("stopped", find)
    async with TurnEngine(tmp_path, [runtime]) as engine:
        owner = engine.registry.runtime("stopped")
        assert owner
        owner.plugin.state = "stopped"
        assert await engine.sessions.find("lost") is None
    assert runtime.look_ups == 0


def test_the_limit_is_two_seconds() -> None:
    assert sessions_module.FIND_SECONDS == 2.0
