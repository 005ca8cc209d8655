"""The index over files that grow, break, vanish and return equals a reference reader that reads
them all from the beginning, and a new index."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import index_reference, rollout_reference
from tests.support.index_home import FileFuzzer, IndexedHome
from tests.support.rollout_home import THREADS, RolloutFuzzer, RolloutHome, identity
from xo_cowork_core.services.index.index import Index
from xo_runtime_codex.history.store import Store

Reference = Callable[[Path], index_reference.Expected]
Kind = tuple[type[IndexedHome], type[FileFuzzer], Reference]
STEPS = 40
ROOT = Path(__file__).parents[2]
EDITS = ROOT / "plugins" / "runtime_codex" / "tests" / "fixtures" / "edits"
EDITED = "01a21256-0648-78e2-bf41-f2323d4e9f05"
CLAUDE = (IndexedHome, FileFuzzer, index_reference.expected)
CODEX = (RolloutHome, RolloutFuzzer, rollout_reference.expected)


async def settled(index: Index) -> None:
    for _ in range(3):
        # a file that another session's file hands over to is read by the next scan
        await index.rescan(10)


def check(home: IndexedHome, name: str, wanted: index_reference.Expected) -> None:
    rows = home.rows(name)
    texts_by_session: dict[str, list[str]] = {}
    for session_id, number, _, text in rows["messages"]:
        assert number == len(texts_by_session.setdefault(str(session_id), []))
        texts_by_session[str(session_id)].append(str(text))
    assert texts_by_session == {
        key: [text for _, text in texts] for key, texts in wanted.sessions.items() if texts
    }
    assert {row[0] for row in rows["sessions"]} == set(wanted.sessions)
    used = [sum(int(str(row[place])) for row in rows["usage_daily"]) for place in (5, 6, 11)]
    calls = list(wanted.calls.values())
    assert used == [sum(c[0] for c in calls), sum(c[1] for c in calls), len(calls)]


@pytest.mark.fault
@pytest.mark.parametrize("kind", [CLAUDE, CODEX], ids=["claude", "codex"])
def test_random_files_read_in_slices_give_what_a_slow_reader_gives(
    tmp_path: Path, fault_number: int, kind: Kind
) -> None:
    home, expected = kind[0](tmp_path), kind[2]
    fuzzer = kind[1](home, fault_number)

    async def run() -> None:
        running = home.index()
        await running.start()
        for step in range(STEPS):
            for _ in range(fuzzer.rng.randrange(1, 4)):
                fuzzer.change_files()
            await settled(running.index)
            check(home, "index.db", expected(home.projects))
            if fuzzer.rng.random() < 0.1:
                await running.stop()
                running = home.index()
                await running.start()
            if step == STEPS // 2:
                await rebuilt(home)
        await running.stop()
        await rebuilt(home)

    asyncio.run(run())


@pytest.mark.fault
def test_random_rollouts_give_the_messages_that_their_store_gives(
    tmp_path: Path, fault_number: int
) -> None:
    home = RolloutHome(tmp_path)
    fuzzer = RolloutFuzzer(home, fault_number)
    store = Store(tmp_path)

    async def run() -> None:
        running = home.index()
        await running.start()
        for _ in range(STEPS):
            for _ in range(4):
                fuzzer.change_files()
            await settled(running.index)
            found = [name for name in map(identity, range(THREADS)) if await store.session(name)]
            assert {row[0] for row in home.rows()["sessions"]} == set(found)
            for session_id in found:
                assert await running.index.messages(session_id) == await store.messages(session_id)
        await running.stop()

    asyncio.run(run())


def test_an_edit_by_a_turn_of_this_server_shows_at_once(tmp_path: Path) -> None:
    shutil.copytree(EDITS, tmp_path, dirs_exist_ok=True)
    home = RolloutHome(tmp_path)
    newest = max(tmp_path.rglob(f"rollout-*-{EDITED}*"))
    body = newest.read_bytes()
    newest.unlink()

    async def run() -> None:
        running = home.index()
        await running.start()
        await settled(running.index)
        before = await running.index.messages(EDITED)
        newest.write_bytes(body)
        running.index.mark_stale()
        after = await running.index.messages(EDITED)
        assert before
        assert after
        assert (len(before), len(after)) == (8, 4)
        await running.stop()

    asyncio.run(run())


async def rebuilt(home: IndexedHome) -> None:
    fresh = home.index("fresh.db")
    await fresh.start()
    await settled(fresh.index)
    await fresh.stop()
    assert home.rows("fresh.db") == home.rows("index.db")
    home.remove("fresh.db")


def test_a_huge_line_is_passed_over(tmp_path: Path) -> None:
    home = IndexedHome(tmp_path)
    fuzzer = FileFuzzer(home, 1)
    path = fuzzer.file()
    row = b'{"type":"user","uuid":"%s","parentUuid":null,"message":{"content":"%s"}}\n'
    path.write_bytes(row % (b"a", b"before") + row % (b"b", b"x" * (66 << 20)) + row % (b"c", b"y"))

    async def run() -> None:
        running = home.index()
        await running.start()
        await settled(running.index)
        await running.stop()

    asyncio.run(run())
    texts = [row[3] for row in home.rows()["messages"]]
    assert "y" in texts
    assert not any(len(str(text)) > 1000 for text in texts)
