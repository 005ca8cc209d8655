"""The numbers in `.xo` are those of the usage routes, for all runtimes and after deletions."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.terminal_session import TerminalSession, index_files
from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually

SECONDS = 30.0


@pytest.fixture
def chat(own_server: LiveServer) -> Chat:
    scaffold(own_server)
    return Chat(own_server, "demo", "mine")


def scaffold(server: LiveServer) -> None:
    body = {"path": str(server.projects / "mine"), "scaffold": True}
    assert server.client.post("/api/files/mkdir", json=body).status_code == 200


def xo(server: LiveServer, name: str) -> dict[str, Any]:
    return json.loads((server.projects / "mine" / ".xo" / name).read_text())


def usage(server: LiveServer, days: int) -> dict[str, Any]:
    answer = server.client.get(f"/api/xo-projects/mine/usage?days={days}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def in_route(server: LiveServer) -> dict[str, Any]:
    """The usage routes' numbers, in the shape of `in_files`."""
    found: dict[str, Any] = {}
    for days in (7, 30):
        body = usage(server, days)
        found[f"{days}d"] = {
            "tokens": body["total_tokens"],
            "cost": body["total_cost_usd"],
            "sessions": body["total_sessions"],
            "by_model": {
                row["model"]: (row["total_tokens"], row["cost_usd"]) for row in body["by_model"]
            },
        }
    year = usage(server, 365)
    found["runtimes"] = {
        row["agent_name"]: (row["total_tokens"], row["cost_usd"]) for row in year["by_runtime"]
    }
    found["days"] = {
        row["date"]: (row["tokens_total"], row["cost_usd"])
        for row in year["daily"]
        if row["tokens_total"]
    }
    found["sessions"] = found["list"] = {
        row["session_id"]: (row["tokens_total"], row["cost_usd"]) for row in year["by_session"]
    }
    return found


def in_files(server: LiveServer) -> dict[str, Any]:
    stats = xo(server, "stats.json")
    found: dict[str, Any] = {}
    for span in ("7d", "30d"):
        numbers = stats["rolling"][span]
        found[span] = {key: numbers.get(key) for key in ("tokens", "cost", "sessions")}
        models = numbers.get("by_model", {}).items()
        found[span]["by_model"] = {name: (row["tokens"], row["cost"]) for name, row in models}
    runtimes, days = stats["by_runtime"].items(), stats.get("by_day", {}).items()
    found["runtimes"] = {k: (row["tokens"], row["cost"]) for k, row in runtimes if "tokens" in row}
    found["days"] = {day: (total(row), row["cost"]) for day, row in days if "tokens" in row}
    sessions = stats["by_session"].items()
    found["sessions"] = {key: (total(row), row["cost"]) for key, row in sessions if "tokens" in row}
    found["list"] = {
        row["sessionId"]: (sum(v for k, v in row["usage"].items() if k != "cost"), cost)
        for row in xo(server, "sessions/sessionslist.json").values()
        if (cost := row["usage"].get("cost")) is not None
    }
    return found


def total(row: dict[str, Any]) -> int:
    return sum(row["tokens"].values())


def same(server: LiveServer) -> None:
    """Wait until the files agree with the routes."""

    def agree() -> bool:
        files, route = in_files(server), in_route(server)
        # a session whose transcript was removed keeps its row in the list
        files["list"] = {key: row for key, row in files["list"].items() if key in route["list"]}
        return files == route

    eventually(agree, SECONDS, "files and routes agree")


def spent(server: LiveServer) -> int:
    return usage(server, 7)["total_tokens"]["input"]


def test_after_turns_files_and_routes_agree(chat: Chat) -> None:
    first = chat.run_turn("tools", permission_presets={"file_changes": True})
    chat.run_turn("text", session_id=first.session_id)
    chat.run_turn("text")
    eventually(lambda: usage(chat.server, 7)["total_messages"] == 6, SECONDS, "all is counted")
    same(chat.server)
    chat.run_turn("text")
    eventually(lambda: usage(chat.server, 7)["total_messages"] == 8, SECONDS, "all is counted")
    same(chat.server)
    week = xo(chat.server, "stats.json")["rolling"]["7d"]
    assert week["tokens"]["output"] > 0
    assert (week["sessions"], week["turns"], week["files_edited"]) == (3, 4, 1)


def test_sessions_of_a_terminal_are_in_the_files_and_followed_while_they_grow(chat: Chat) -> None:
    server = chat.server
    chat.run_turn("text")
    session = TerminalSession(server, "mine")
    session.add_exchange("First?", tokens=1000)
    eventually(lambda: spent(server) >= 1000, SECONDS, "it is counted")
    same(server)
    session.add_exchange("Second?", tokens=5000)
    eventually(lambda: spent(server) >= 6000, SECONDS, "it is counted")
    same(server)
    assert in_files(server)["7d"]["by_model"]["claude-opus-4-5"][1] > 0
    (row,) = (
        row
        for row in xo(server, "sessions/sessionslist.json").values()
        if row["sessionId"] == session.session_id
    )
    assert (row["backend"], row["directory"]) == ("claude_code", ".")
    assert row["updatedAt"] <= datetime.now(UTC).timestamp() * 1000


def test_deleted_and_edited_sessions_and_a_new_index_leave_files_and_routes_the_same(
    chat: Chat,
) -> None:
    server = chat.server
    edited = chat.run_turn("text").session_id
    message = chat.messages(edited)[0]["id"]
    session = TerminalSession(server, "mine")
    session.add_exchange("To be deleted?", tokens=3000)
    eventually(lambda: spent(server) >= 3000, SECONDS, "it is counted")
    same(server)
    assert server.client.delete(session.path).status_code == 200
    body = {"session_id": edited, "message_id": message, "text": "text again"}
    assert server.client.post("/api/chat/edit", json=body).status_code == 200
    same(server)
    assert spent(server) >= 3000
    server.terminate()
    for file in index_files(server):
        file.unlink()
    empty = {"schema": 4, "rolling": {"7d": {}, "30d": {}}, "by_session": {}, "by_runtime": {}}
    (server.projects / "mine" / ".xo" / "stats.json").write_text(json.dumps(empty))
    server.start()
    eventually(lambda: spent(server) >= 3000, SECONDS, "it is counted by a new index")
    same(server)


def test_what_happened_while_no_server_ran_is_in_the_files_soon_after_the_start(
    chat: Chat,
) -> None:
    server = chat.server
    server.terminate()
    session = TerminalSession(server, "mine")
    session.add_exchange("Without a server?", tokens=4000)
    server.start()
    # no request is made: the files are updated without one
    eventually(
        lambda: xo(server, "stats.json")["rolling"]["7d"].get("tokens", {}).get("input") == 4000,
        SECONDS,
        "the file has it",
    )
    same(server)
    session.file.unlink()
    eventually(lambda: spent(server) == 0, SECONDS, "it is gone from the routes")
    same(server)


def test_a_folder_of_a_terminal_is_unchanged_until_a_turn_runs_there(
    own_server: LiveServer,
) -> None:
    (own_server.projects / "mine").mkdir()
    session = TerminalSession(own_server, "mine")
    session.add_exchange("Before any turn?", tokens=2000)
    eventually(lambda: spent(own_server) == 2000, SECONDS, "it is counted")
    assert not (own_server.projects / "mine" / ".xo").exists()
    Chat(own_server, "demo", "mine").run_turn("text")
    eventually((own_server.projects / "mine" / ".xo" / "stats.json").exists, SECONDS, "it is kept")
    same(own_server)
    assert in_files(own_server)["7d"]["tokens"]["input"] >= 2000


def test_a_start_writes_no_numbers_that_are_written(chat: Chat) -> None:
    server = chat.server
    chat.run_turn("text")
    eventually(lambda: usage(server, 7)["total_messages"] == 2, SECONDS, "it is counted")
    same(server)

    def noted() -> bool:
        server.client.post("/api/fts/index/all")
        (file,) = server.state.glob("index-*.db")
        with closing(sqlite3.connect(file)) as index:
            return not index.execute("SELECT COUNT(*) FROM dirty_projects").fetchone()[0]

    eventually(noted, SECONDS, "the index took note")
    before = xo(server, "stats.json")["updated_at"]
    server.restart()
    (server.projects / "other").mkdir()
    Chat(server, "demo", "other").run_turn("text")
    other = server.projects / "other" / ".xo" / "stats.json"
    # projects are written one after the other, in the order in which they were counted
    eventually(
        lambda: other.exists() and "by_model" in other.read_text(), SECONDS, "the other is written"
    )
    assert xo(server, "stats.json")["updated_at"] == before
