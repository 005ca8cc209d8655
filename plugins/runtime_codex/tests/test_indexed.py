"""Sessions that Codex wrote in a terminal, as the server lists, finds, counts and deletes them."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from xo_cowork_core.sdk.testing import LiveServer, eventually

EDITS = Path(__file__).parent / "fixtures" / "edits"
EDITED = "01a21256-0648-78e2-bf41-f2323d4e9f05"
FORK = "01a21256-099d-78f3-b5d3-c2f5a6c49c2a"
SECONDS = 30


@pytest.fixture
def server() -> Iterator[LiveServer]:
    """A server over a home with an edited session and a fork of it."""
    with LiveServer(environment={"XO_PLUGINS": "runtime_codex"}) as running:
        shutil.copytree(EDITS, running.home / ".codex")
        eventually(lambda: set(rows(running)) == {EDITED, FORK}, SECONDS, "both are listed")
        yield running


def get(server: LiveServer, route: str) -> Any:
    answer = server.client.get(route)
    assert answer.status_code == 200, answer.text
    return answer.json()


def rows(server: LiveServer) -> dict[str, Any]:
    return {row["id"]: row for row in get(server, "/api/sessions")["sessions"]}


def answers(server: LiveServer, session_id: str) -> list[str]:
    """Return the first words of the answers."""
    messages = get(server, f"/api/messages/{session_id}")["messages"]
    return [each["text"].split()[0] for each in messages if each["role"] == "assistant"]


def hits(server: LiveServer, word: str) -> set[str]:
    return {hit["id"] for hit in get(server, f"/api/sessions/search?q={word}")["sessions"]}


def files(server: LiveServer, session_id: str) -> list[Path]:
    return sorted((server.home / ".codex").rglob(f"rollout-*-{session_id}*"))


def test_edits_and_forks_are_listed_and_found_once_each(server: LiveServer) -> None:
    listed = rows(server)
    assert (listed[EDITED]["message_count"], listed[FORK]["message_count"]) == (4, 6)
    assert answers(server, EDITED) == ["answer0", "afterthird"]
    assert answers(server, FORK) == ["answer0", "afterthird", "forkreverted"]
    assert hits(server, "afterthird") == {EDITED, FORK}
    assert hits(server, "forkreverted") == {FORK}
    assert hits(server, "aftersecond") == set()


def test_dropped_turns_are_counted_and_inherited_ones_once(server: LiveServer) -> None:
    calls = [
        json.loads(line)["payload"]["usage"]
        for path in (server.home / ".codex").rglob("rollout-*")
        for line in path.read_text().splitlines()
        if '"token_usage_record"' in line
    ]
    assert len(calls) == 10
    total = get(server, "/api/usage?days=365")["total_tokens"]
    assert total["input"] == sum(call["input_tokens"] for call in calls)
    assert total["output"] == sum(call["output_tokens"] for call in calls)


def test_an_edit_in_a_terminal_shows_what_holds(server: LiveServer) -> None:
    newest = files(server, EDITED)[-1]
    body = newest.read_bytes()
    newest.unlink()
    eventually(lambda: hits(server, "aftersecond") == {EDITED}, SECONDS, "the edit before it")
    assert answers(server, FORK) == ["forkreverted"]
    newest.write_bytes(body)
    eventually(lambda: hits(server, "afterthird") == {EDITED, FORK}, SECONDS, "the edit is back")
    assert hits(server, "aftersecond") == set()
    assert answers(server, EDITED) == ["answer0", "afterthird"]


def test_a_deleted_session_goes_with_all_its_files_and_comes_back(server: LiveServer) -> None:
    before = {path: path.read_bytes() for path in files(server, EDITED)}
    assert len(before) == 4
    spent = get(server, "/api/usage?days=365")["total_tokens"]
    assert server.client.delete(f"/api/sessions/{EDITED}").status_code == 200
    assert files(server, EDITED) == []
    eventually(lambda: set(rows(server)) == {FORK}, SECONDS, "only the fork is left")
    server.client.post("/api/fts/index/all")
    eventually(lambda: hits(server, "afterthird") == {FORK}, SECONDS, "the fork is whole")
    assert answers(server, FORK) == ["answer0", "afterthird", "forkreverted"]
    assert get(server, "/api/usage?days=365")["total_tokens"] == spent
    server.terminate()
    command = [sys.executable, "-m", "xo_cowork_core", "sessions", "restore", EDITED]
    subprocess.run(command, env=server.variables(), capture_output=True, timeout=100, check=True)
    assert {path: path.read_bytes() for path in files(server, EDITED)} == before
    server.start()
    eventually(lambda: set(rows(server)) == {EDITED, FORK}, SECONDS, "both are listed again")
    assert answers(server, EDITED) == ["answer0", "afterthird"]


def test_an_archived_session_is_not_listed_but_its_forks_are_whole(server: LiveServer) -> None:
    spent = get(server, "/api/usage?days=365")["total_tokens"]
    archive = server.home / ".codex" / "archived_sessions"
    archive.mkdir()
    for path in files(server, EDITED):
        path.rename(archive / path.name)
    eventually(lambda: set(rows(server)) == {FORK}, SECONDS, "only the fork is left")
    assert answers(server, FORK) == ["answer0", "afterthird", "forkreverted"]
    assert get(server, "/api/usage?days=365")["total_tokens"] == spent
