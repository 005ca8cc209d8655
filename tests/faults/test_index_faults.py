"""Kills, lost and full files, broken readers: the index is a cache, and only ever costs a rebuild.

Rounds are seeded and kill `KILLS` times each.
"""

import asyncio
import json
import os
import resource
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.support.index_home import FileFuzzer, IndexedHome
from xo_cowork_core.sdk.runtime.history import Message, SessionRecord
from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually
from xo_runtime_claude.history.transcript import ClaudeTranscript

pytestmark = pytest.mark.fault
KILLS = 10
CHILD = Path(__file__).parents[1] / "support" / "index_child.py"
ANSWERS = {200, 503}


@pytest.mark.timeout(300)
def test_after_kills_during_indexing_the_index_equals_a_rebuild(
    tmp_path: Path, fault_seed: int
) -> None:
    home = IndexedHome(tmp_path)
    fuzzer = FileFuzzer(home, fault_seed, files=40)
    for _ in range(KILLS):
        for _ in range(60):
            fuzzer.change_files()
        child = subprocess.Popen(
            [sys.executable, str(CHILD), str(tmp_path)], stdout=subprocess.PIPE
        )
        try:
            assert child.stdout
            assert child.stdout.readline() == b"ready\n"
            until = time.monotonic() + fuzzer.rng.uniform(0, 0.05)
            while time.monotonic() < until:
                fuzzer.change_files()
        finally:
            child.kill()
            child.communicate()
        home.remove("fresh.db")
        assert indexed(home, "index.db") == indexed(home, "fresh.db")


def indexed(home: IndexedHome, name: str) -> dict[str, list[tuple[object, ...]]]:
    async def run() -> None:
        running = home.index(name)
        await running.start()
        for _ in range(3):
            await running.index.rescan(10)
        await running.stop()

    asyncio.run(run())
    return home.rows(name)


@pytest.mark.parametrize("fault", ["raises", "lies"])
def test_a_reader_that_fails_costs_its_file_only(tmp_path: Path, fault: str) -> None:
    class Broken(ClaudeTranscript):
        def record(self) -> SessionRecord | None:
            if fault == "raises":
                raise RuntimeError("a plugin's fault")
            return SessionRecord("\ud800", None, 5, "x", "y", None)  # type: ignore[arg-type]

    class Mute(ClaudeTranscript):
        def outline(self) -> list[Message]:
            raise RuntimeError("a plugin's fault")

    def opened(path: Path) -> ClaudeTranscript:
        kinds = {"broken": Broken, "mute": Mute}
        return kinds.get(path.stem, ClaudeTranscript)(path)

    home = IndexedHome(tmp_path, opened)
    for name in ("broken", "mute", "sound"):
        transcript(home.projects / "-p", name, "hello")
    rows = indexed(home, "index.db")
    assert [row[0] for row in rows["sessions"]] == ["sound"]
    assert len(rows["files"]) == 3  # looked at once, not again at every look


def transcript(folder: Path, name: str, text: str, size: int = 1) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.jsonl").open("w") as file:
        for number in range(size):
            row = {
                "type": "user",
                "uuid": f"{name}-{number}",
                "parentUuid": f"{name}-{number - 1}" if number else None,
                "timestamp": "2026-11-24T05:00:00.000Z",
                "message": {"role": "user", "content": f"{text} {number}"},
            }
            file.write(json.dumps(row) + "\n")


def add_session(server: LiveServer, *, size: int = 3) -> str:
    session_id = str(uuid.uuid4())
    transcript(server.home / ".claude" / "projects" / "-p", session_id, "hello world", size)
    return session_id


def lists(server: LiveServer, *wanted: str) -> Callable[[], bool]:
    """Ask for the list, which may be unable to answer but must not break."""

    def listed() -> bool:
        answer = server.client.get("/api/sessions")
        assert answer.status_code in ANSWERS, answer.text
        found = answer.json().get("sessions", [])
        if answer.status_code == 503:
            assert isinstance(answer.json()["detail"], str)
        return set(wanted) <= {row["id"] for row in found}

    return listed


def test_an_index_that_is_removed_while_it_is_used_is_rebuilt(server: LiveServer) -> None:
    hosted = Chat(server, "demo").run_turn("echo wide world").session_id
    wanted = [add_session(server), hosted]
    eventually(lists(server, *wanted), 10, "the first sessions")
    for round_ in range(4):
        for file in sorted(server.state.glob("index-*"))[round_ % 3 :]:
            file.unlink()
        wanted.append(add_session(server))
        eventually(lists(server, *wanted), 10, "all sessions")
        assert list(server.state.glob("index-*.db"))
    assert server.client.get("/api/sessions/search?q=world").json()["total"] == len(wanted)


def test_a_corrupt_index_is_rebuilt(server: LiveServer) -> None:
    wanted = [add_session(server)]
    eventually(lists(server, *wanted), 10, "the first session")
    server.terminate()
    (file,) = server.state.glob("index-*.db")
    file.write_bytes(b"rubbish" * 20_000)
    server.start()
    wanted.append(add_session(server))
    eventually(lists(server, *wanted), 15, "all sessions")


@pytest.mark.parametrize("part", [0.25, 0.5])
def test_an_index_with_damaged_pages_is_rebuilt(server: LiveServer, part: float) -> None:
    wanted = [add_session(server, size=300) for _ in range(4)]
    eventually(lists(server, *wanted), 10, "the first sessions")
    server.terminate()
    (file,) = server.state.glob("index-*.db")
    body = bytearray(file.read_bytes())
    for page in range(int(len(body) * part) // 4096, len(body) // 4096):
        body[4096 * page : 4096 * page + 4000] = b"Z" * 4000
    file.write_bytes(body)
    server.start()

    def found() -> bool:
        answer = server.client.get("/api/sessions/search?q=world")
        assert answer.status_code in ANSWERS, answer.text
        return answer.json().get("total") == len(wanted)

    eventually(found, 15, "all can be found")
    wanted.append(add_session(server))
    eventually(lists(server, *wanted), 15, "all sessions")
    eventually(found, 15, "the new one, too")


def test_lists_answer_on_a_full_disk_and_indexing_resumes_later(server: LiveServer) -> None:
    first = add_session(server)
    eventually(lists(server, first), 10, "the first session")
    _, hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (4096, hard))
    second = add_session(server, size=2000)
    until = time.monotonic() + 3
    while time.monotonic() < until:
        assert not lists(server, second)()
        for path in ("/api/usage", "/api/sessions/search?q=hello", "/api/fts/index/all"):
            assert server.client.get(path).status_code in ANSWERS
        assert server.client.get("/health").status_code == 200
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (hard, hard))
    eventually(lists(server, first, second), 10, "both sessions")


def test_two_servers_on_one_home_give_equal_answers(server: LiveServer) -> None:
    wanted = [add_session(server) for _ in range(5)]
    other = LiveServer(environment={"HOME": str(server.home)})
    with other:
        for _ in range(3):
            wanted.append(add_session(server))
            for each in (server, other):
                eventually(lists(each, *wanted), 10, "all sessions")


def finds(server: LiveServer, word: str) -> bool:
    return bool(server.client.get(f"/api/sessions/search?q={word}").json()["total"])


def test_clocks_that_jump_hide_nothing(server: LiveServer) -> None:
    session_id = add_session(server)
    eventually(lists(server, session_id), 10, "the first session")
    file = server.home / ".claude" / "projects" / "-p" / f"{session_id}.jsonl"
    days = ("1969-12-31", "2100-01-01", "2026-11-24", "1970-01-01")
    for number, day in enumerate(days):
        row = {
            "type": "user",
            "uuid": f"jump-{number}",
            "parentUuid": f"jump-{number - 1}" if number else f"{session_id}-2",
            "timestamp": f"{day}T05:00:00.000Z",
            "message": {"role": "user", "content": f"leap{number}"},
        }
        with file.open("a") as grown:
            grown.write(json.dumps(row) + "\n")
        # the file's own time jumps, too, to before the last look and to long after it
        moment = (4 - 3 * (number % 2)) * 10**9
        os.utime(file, (moment, moment))
        eventually(partial(finds, server, f"leap{number}"), 10, "what was added is found")
        body = server.client.get(f"/api/messages/{session_id}").json()
        texts = [message["text"] for message in body["messages"]]
        assert texts[3:] == [f"leap{each}" for each in range(number + 1)]
        usage = server.client.get("/api/usage?days=365")
        assert usage.status_code == 200
        assert len(usage.json()["daily"]) == 365
    assert lists(server, session_id)()
