"""Servers that are killed while they index: their index equals a new one.

The home has sessions of Claude Code and Codex in files that grow and break meanwhile, and turns
whose messages the server keeps. Half of the kills hit a build from nothing, half what was left of
it while it grows: two kills a round; `make soak` runs more rounds.
"""

import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.index_home import FileFuzzer, IndexedHome
from tests.support.rollout_home import RolloutFuzzer, RolloutHome
from xo_cowork_core.sdk.testing import LiveServer, eventually

pytestmark = pytest.mark.fault
QUIET_FILES = 1500  # some batches
EMPTY_BYTES = 300_000  # an index with its tables, and no rows
SHORTEST, LONGEST = 0.02, 0.3
SECONDS = 30.0
WORDS = ("apple", "pear", "zurich", "quiet", "echo")


@pytest.fixture
def server() -> Iterator[LiveServer]:
    made = LiveServer()
    try:
        yield made
    finally:
        made.close()


class World:
    """What happens to one home, all from one seed."""

    def __init__(self, server: LiveServer, seed: int) -> None:
        self.dice = random.Random(seed)
        self.acknowledged: set[str] = set()
        self._server = server
        for agent in (".claude", ".codex"):
            (server.home / agent).mkdir()
        claude = IndexedHome(server.home / ".claude")
        self._fuzzers = (
            FileFuzzer(claude, seed, files=40),
            RolloutFuzzer(RolloutHome(server.home / ".codex"), seed),
        )
        quiet = claude.projects / "-quiet"
        quiet.mkdir()
        for number in range(QUIET_FILES):
            rows = (exchange(number, "user"), exchange(number, "assistant"))
            text = "".join(json.dumps(row) + "\n" for row in rows)
            (quiet / f"quiet-{number}.jsonl").write_text(text)

    def act(self, count: int) -> None:
        for _ in range(count):
            self.dice.choice(self._fuzzers).change_files()

    def live(self, seconds: float) -> None:
        """Change files, read the index and run turns until the time is over."""
        until = time.monotonic() + seconds
        client = httpx.Client(base_url=self._server.base_url or "http://127.0.0.1:9", timeout=5)
        with client, suppress(httpx.TransportError):
            for number in range(1000):
                self.act(3)
                if time.monotonic() > until:
                    return
                client.post("/api/fts/index/all")
                body = {"text": f"echo apple {number}", "agent_name": "demo"}
                answer = client.post("/api/chat/prompt", json=body)
                assert answer.status_code == 200, answer.text
                self.acknowledged.add(answer.json()["session_id"])

    def kill_a_cold_build(self) -> None:
        """Kill a server while it writes its first rows, mostly before it listens."""
        remove_index(self._server)

        def start() -> None:
            # its client may be closed in the middle of a request
            with suppress(AssertionError, RuntimeError):
                self._server.start()

        starting = threading.Thread(target=start)
        starting.start()
        eventually(lambda: size(self._server) > EMPTY_BYTES, SECONDS, "an index is begun")
        until = time.monotonic() + self.dice.uniform(0, LONGEST)
        while time.monotonic() < until:
            self.act(1)
        self._server.kill()
        starting.join(SECONDS)

    def kill_a_growing_one(self) -> None:
        """Kill a server that follows what happens."""
        self._server.start()
        killer = threading.Timer(self.dice.uniform(SHORTEST, LONGEST), self._server.kill)
        killer.start()
        self.live(SECONDS)
        killer.join(SECONDS)


def exchange(number: int, role: str) -> dict[str, object]:
    """Return a row of a short conversation."""
    message = {
        "id": f"quiet-{number}",
        "role": role,
        "model": "claude-opus-4-5",
        "content": [{"type": "text", "text": f"quiet words {number}"}],
        "usage": {"input_tokens": number, "output_tokens": 1},
    }
    return {
        "type": role,
        "uuid": f"quiet-{number}-{role}",
        "parentUuid": f"quiet-{number}-user" if role == "assistant" else None,
        "timestamp": "2026-03-01T10:00:00.000Z",
        "message": message,
    }


def index_files(server: LiveServer) -> list[Path]:
    return sorted(server.state.glob("index-*"))


def remove_index(server: LiveServer) -> None:
    for file in index_files(server):
        file.unlink()


def size(server: LiveServer) -> int:
    found = 0
    for file in index_files(server):
        with suppress(FileNotFoundError):  # SQLite's own come and go
            found += file.stat().st_size
    return found


def test_after_kills_of_the_server_the_index_equals_a_new_one(
    server: LiveServer, fault_seed: int
) -> None:
    world = World(server, fault_seed)
    world.act(100)
    world.kill_a_cold_build()
    world.kill_a_growing_one()
    server.start()
    indexed = content(server)
    server.terminate()
    assert world.acknowledged <= set(indexed["rows"])
    assert all(indexed["messages"][session_id] for session_id in world.acknowledged)
    # it was never thrown away to get there
    assert not list(server.state.glob("*.broken-*"))
    remove_index(server)
    server.start()
    assert content(server) == indexed


def content(server: LiveServer) -> dict[str, Any]:
    """The index's answers, once it is up to date."""
    for _ in range(3):
        # a file that another session's file hands over to is read by the next scan
        assert server.client.post("/api/fts/index/all").status_code == 200
        eventually(lambda: get(server, "/api/fts/index/all")["status"] == "idle", SECONDS, "idle")
    rows = pages(server, "/api/sessions?")
    loud = [each for each in rows if not each.startswith("quiet-")]
    return {
        "rows": rows,
        "messages": {each: get(server, f"/api/messages/{each}")["total"] for each in loud},
        "search": {word: set(pages(server, f"/api/sessions/search?q={word}&")) for word in WORDS},
        "usage": usage(server),
        "counts": get(server, "/api/fts/index/all"),
    }


def usage(server: LiveServer) -> dict[str, Any]:
    """Return the usage of a year without the days of zeros, which are others after midnight."""
    report = get(server, "/api/usage?days=365")
    daily = [
        day
        for day in report["daily"]
        if any(value for name, value in day.items() if name != "date")
    ]
    return {**report, "daily": daily}


def pages(server: LiveServer, path: str) -> dict[str, dict[str, Any]]:
    """Return the rows of all pages by id: which of those of one moment comes first is free."""
    rows: list[dict[str, Any]] = []
    while page := get(server, f"{path}limit=500&offset={len(rows)}")["sessions"]:
        rows += page
    found = {row["id"]: row for row in rows}
    assert len(found) == len(rows)
    return found


def get(server: LiveServer, path: str) -> Any:
    answer = server.client.get(path)
    assert answer.status_code == 200, f"{path}: {answer.text}"
    return answer.json()
