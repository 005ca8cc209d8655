"""What the index holds after any history of its files equals what it holds when built at once."""

import asyncio
import json
import shutil
import sqlite3
import tempfile
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.index_home import IndexedHome
from xo_cowork_core.services.index import message_rows, schema, search
from xo_cowork_core.storage.database import Database

SESSIONS = 3
WORDS = ("apple", "pear", "Zürich", "plum_tree", "x" * 9000)
SCAN_SECONDS = 30.0
Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("append", "append", "append", "truncate", "delete")),
        st.integers(0, SESSIONS - 1),
        st.integers(1, 40),
    ),
    max_size=12,
)


class History:
    """Session files that grow by whole exchanges."""

    def __init__(self, home: IndexedHome) -> None:
        self._folder = home.projects / "-project"
        self._folder.mkdir()
        self._count = 0
        self._last: dict[str, str] = {}

    def take(self, step: Step) -> None:
        action, number, amount = step
        path = self._folder / f"session-{number}.jsonl"
        if action == "append":
            with path.open("ab") as file:
                for _ in range(amount):
                    file.write(self._exchange(path.stem))
        elif path.exists() and action == "truncate":
            lines = path.read_bytes().splitlines(keepends=True)
            path.write_bytes(b"".join(lines[: len(lines) // 2]))
        elif path.exists():
            path.unlink()

    def _exchange(self, session: str) -> bytes:
        self._count += 1
        word, day = WORDS[self._count % len(WORDS)], 1 + self._count % 9
        prompt = {
            "type": "user",
            "uuid": f"{session}-{self._count}",
            "parentUuid": self._last.get(session),
            "timestamp": f"2026-03-0{day}T10:00:00.000Z",
            "message": {"role": "user", "content": f"{word} {self._count}"},
        }
        answer = {
            "type": "assistant",
            "uuid": f"{session}-{self._count}-answer",
            "parentUuid": prompt["uuid"],
            "timestamp": f"2026-03-0{day}T10:00:05.000Z",
            "message": {
                # some calls are in two files
                "id": f"call-{self._count // 2}",
                "model": f"model-{self._count % 2}",
                "content": [
                    {"type": "text", "text": f"answer {word}"},
                    {"type": "tool_use", "id": "t", "name": "Bash", "input": {}},
                ],
                "usage": {"input_tokens": self._count, "output_tokens": 1},
            },
        }
        self._last[session] = str(answer["uuid"])
        return b"".join(json.dumps(row).encode() + b"\n" for row in (prompt, answer))


async def index_after(home: IndexedHome, steps: list[Step]) -> None:
    """Index after each step."""
    history = History(home)
    indexed = home.index()
    await indexed.start()
    for step in steps:
        history.take(step)
        await indexed.index.rescan(SCAN_SECONDS)
        await indexed.index.rescan(SCAN_SECONDS)
    await indexed.stop()


async def index_at_once(home: IndexedHome, name: str) -> None:
    indexed = home.index(name)
    await indexed.start()
    await indexed.index.rescan(SCAN_SECONDS)
    await indexed.index.rescan(SCAN_SECONDS)
    await indexed.stop()


@given(STEPS)
@settings(deadline=None, max_examples=25)
def test_an_index_that_followed_its_files_equals_one_built_at_once(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = IndexedHome(Path(folder))
        asyncio.run(index_after(home, steps))
        asyncio.run(index_at_once(home, "fresh.db"))
        assert home.rows() == home.rows("fresh.db")
        assert blocks(home, "index.db") == blocks(home, "fresh.db")


def test_a_stopped_index_has_closed_its_file(tmp_path: Path) -> None:
    home = IndexedHome(tmp_path)
    asyncio.run(index_at_once(home, "index.db"))
    # the last connection to a database removes its write-ahead log
    assert [path.name for path in tmp_path.glob("index.db*")] == ["index.db"]


@pytest.mark.parametrize("removed", ["-project", "-copy"])
def test_the_file_that_is_left_of_a_session_in_two_files_is_read_again(
    tmp_path: Path, removed: str
) -> None:
    home = IndexedHome(tmp_path)
    history, name = History(home), "session-0.jsonl"
    history.take(("append", 0, 2))
    copy = home.projects / "-copy" / name
    copy.parent.mkdir()
    shutil.copyfile(home.projects / "-project" / name, copy)
    history.take(("append", 0, 3))

    async def run() -> None:
        indexed = home.index()
        await indexed.start()
        await indexed.index.rescan(SCAN_SECONDS)
        (home.projects / removed / name).unlink()
        await indexed.index.rescan(SCAN_SECONDS)
        await indexed.index.rescan(SCAN_SECONDS)
        await indexed.stop()

    asyncio.run(run())
    asyncio.run(index_at_once(home, "fresh.db"))
    assert home.rows() == home.rows("fresh.db")
    assert home.rows()["messages"]


def blocks(home: IndexedHome, name: str) -> list[tuple[object, ...]]:
    """Return which messages share a block."""
    with closing(sqlite3.connect(home.root / name)) as connection:
        return sorted(
            connection.execute(
                "SELECT session_id, first, digests FROM message_blocks"
                " JOIN session_keys USING (session_key)"
            )
        )


def test_a_session_whose_file_is_emptied_is_gone(tmp_path: Path) -> None:
    home = IndexedHome(tmp_path)
    history = History(home)
    history.take(("append", 0, 2))
    history.take(("append", 1, 2))

    async def run() -> None:
        indexed = home.index()
        await indexed.start()
        await indexed.index.rescan(SCAN_SECONDS)
        (home.projects / "-project" / "session-0.jsonl").write_bytes(b"")
        await indexed.index.rescan(SCAN_SECONDS)
        await indexed.index.rescan(SCAN_SECONDS)
        await indexed.stop()

    asyncio.run(run())
    asyncio.run(index_at_once(home, "fresh.db"))
    assert home.rows() == home.rows("fresh.db")
    assert {session_id for session_id, *_ in blocks(home, "index.db")} == {"session-1"}


def test_messages_share_blocks_of_limited_length(tmp_path: Path) -> None:
    home = IndexedHome(tmp_path)
    History(home).take(("append", 0, 40))
    asyncio.run(index_at_once(home, "index.db"))
    starts = [int(str(first)) for _, first, _ in blocks(home, "index.db")]
    counts = [after - first for first, after in pairwise(starts)]
    # 16 messages, or up to the third of the texts of 9,000 characters
    assert counts == [16, 11, 11, 16, 13, 11]


@given(STEPS)
@settings(deadline=None, max_examples=25)
def test_the_sums_of_each_day_equal_a_recount_of_calls_and_messages(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = IndexedHome(Path(folder))
        asyncio.run(index_after(home, steps))
        rows = home.rows()
        calls: dict[tuple[object, ...], list[int]] = {}
        tools: dict[tuple[object, ...], int] = {}
        for _, _, session, agent, model, provider, ms, read, wrote, *_, named, counted in rows[
            "calls"
        ]:
            day = f"2026-03-{1 + (int(str(ms)) - MARCH_MS) // DAY_MS:02}"
            if counted:
                sums = calls.setdefault((session, day, agent, model, provider), [0, 0, 0])
                sums[:] = [sums[0] + int(str(read)), sums[1] + int(str(wrote)), sums[2] + 1]
                for tool in str(named).split("\n"):
                    tools[day, session, tool] = tools.get((day, session, tool), 0) + 1
        used = {row[:5]: [row[5], row[6], row[11]] for row in rows["usage_daily"]}
        assert used == calls
        assert {row[:3]: row[3] for row in rows["tools_daily"]} == tools
        assert sum(int(str(row[2])) for row in rows["messages_daily"]) == len(rows["messages"])


MARCH_MS = 1_772_323_200_000
DAY_MS = 86_400_000


def test_a_bulk_load_that_was_cut_is_completed_and_its_merge_setting_undone(
    tmp_path: Path,
) -> None:
    home = IndexedHome(tmp_path)
    History(home).take(("append", 0, 30))
    database = Database(tmp_path / "index.db", schema.STEPS, schema.PRAGMAS)

    async def cut() -> None:
        await database.reopen()
        await database.write(message_rows.start_bulk)
        await database.close()

    asyncio.run(cut())
    with closing(sqlite3.connect(tmp_path / "index.db")) as connection:
        assert message_rows.is_bulk(connection)
    asyncio.run(index_at_once(home, "index.db"))
    with closing(sqlite3.connect(tmp_path / "index.db")) as connection:
        assert not message_rows.is_bulk(connection)
        assert search.search(connection, "apple", limit=9, offset=0)[0] == 1
