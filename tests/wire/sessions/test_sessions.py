"""Sessions beyond chat: flags, search, trash, details, and what other programs wrote."""

import json
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.answers import expect_error
from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually


@pytest.fixture
def chat(server: LiveServer) -> Chat:
    return Chat(server, "demo")


def row(server: LiveServer, session_id: str) -> dict[str, Any]:
    answer = server.client.get(f"/api/sessions/{session_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def search(server: LiveServer, text: str) -> list[dict[str, Any]]:
    answer = server.client.get("/api/sessions/search", params={"q": text})
    assert answer.status_code == 200, answer.text
    return answer.json()["sessions"]


def test_flags_persist_across_a_restart_and_a_rebuilt_index(chat: Chat) -> None:
    server = chat.server
    session_id = chat.run_turn("echo plain words").session_id
    answer = server.client.patch(
        f"/api/sessions/{session_id}", json={"title": " My week ", "is_pinned": True}
    )
    assert answer.json()["ok"] is True
    assert (answer.json()["title"], answer.json()["is_pinned"]) == ("My week", True)
    server.terminate()
    for file in server.state.glob("index-*"):
        file.unlink()
    server.start()
    eventually(lambda: row(server, session_id)["title"] == "My week", 15, "the title is back")
    assert row(server, session_id)["is_pinned"] is True

    def titles() -> list[str]:
        listed = server.client.get("/api/sessions").json()["sessions"]
        return [r["title"] for r in listed if r["id"] == session_id]

    eventually(lambda: titles() == ["My week"], 15, "it is listed with its title")


def test_a_moved_session_runs_its_next_turn_there(server: LiveServer) -> None:
    chat = Chat(server, "demo")
    session_id = chat.run_turn("echo one").session_id
    place = server.home / "moved"
    place.mkdir()
    path = f"/api/sessions/{session_id}"
    assert server.client.patch(path, json={"directory": str(place)}).json()["directory"] == str(
        place.resolve()
    )
    assert server.client.patch(path, json={"directory": "."}).json()["directory"] is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"title": ""}, 400),
        ({"title": "  "}, 400),
        ({"title": 5}, 400),
        ({"is_pinned": "yes"}, 400),
        ({"directory": "/etc"}, 403),
        ({"directory": "relative"}, 400),
        ({"directory": "~/not-there"}, 404),
    ],
)
def test_a_wrong_patch_is_refused(chat: Chat, body: dict[str, Any], status: int) -> None:
    session_id = chat.run_turn("echo one").session_id
    expect_error(chat.http.patch(f"/api/sessions/{session_id}", json=body), status)
    expect_error(chat.http.patch(f"/api/sessions/{uuid.uuid4()}", json={"title": "x"}), 404)


def test_words_of_prompts_answers_and_titles_are_found(chat: Chat) -> None:
    server = chat.server
    session_id = chat.run_turn("echo the zebra <b>crosses</b> the road").session_id
    eventually(lambda: search(server, "zebra") != [], 15, "it is findable")
    (hit,) = search(server, "zebra")
    assert hit["session_id"] == session_id
    assert "<mark>zebra</mark>" in hit["snippet"]
    assert "&lt;b&gt;" in hit["snippet"]
    assert search(server, "ZEB")[0]["session_id"] == session_id
    assert search(server, 'zebra "unicorn') == []
    server.client.patch(f"/api/sessions/{session_id}", json={"title": "Wildlife %_ notes"})
    eventually(lambda: search(server, "wildlife") != [], 15, "its title is findable")
    assert search(server, "wildlife")[0]["session_id"] == session_id
    spa = server.client.get(
        "/api/sessions/search", params={"q": "zebra"}, headers={"X-XO-Wire": "spa"}
    ).json()
    assert set(spa[0]) == {"session", "snippet"}


@pytest.mark.parametrize("text", ['"', "*", "NEAR(", "a AND", "-x", "col:x", "\x00", "💥", "%"])
def test_no_text_breaks_the_search(server: LiveServer, text: str) -> None:
    assert server.client.get("/api/sessions/search", params={"q": text}).status_code == 200


def test_a_deleted_session_is_gone_from_everywhere_and_can_be_restored(chat: Chat) -> None:
    server = chat.server
    session_id = chat.run_turn("echo an armadillo").session_id
    eventually(lambda: search(server, "armadillo") != [], 15, "it is findable")
    path = f"/api/sessions/{session_id}"
    assert server.client.delete(path).json() == {"ok": True}
    for gone in (path, f"/api/messages/{session_id}"):
        expect_error(server.client.get(gone), 404)
    expect_error(server.client.delete(path), 404)
    expect_error(chat.send("echo more", session_id=session_id), 404)
    assert search(server, "armadillo") == []
    listed = server.client.get("/api/sessions?limit=500").json()["sessions"]
    assert session_id not in [r["id"] for r in listed]
    server.restart()
    expect_error(server.client.get(path), 404)


def test_a_running_session_is_not_deleted(chat: Chat) -> None:
    turn = chat.prompt("slow 30")
    answer = chat.http.delete(f"/api/sessions/{turn.session_id}")
    expect_error(answer, 409)
    assert answer.json()["detail"]["stream_id"] == turn.stream_id
    chat.abort(turn.stream_id)


def test_a_reserved_session_is_used_by_its_first_prompt(chat: Chat) -> None:
    made = chat.http.post("/api/sessions", json={"title": "Later", "agent_name": "demo"}).json()
    assert set(made) == {"id", "session_id", "title"}
    assert row(chat.server, made["id"])["message_count"] == 0
    assert chat.messages(made["id"]) == []
    turn = chat.run_turn("echo now", session_id=made["id"])
    assert turn.session_id == made["id"]
    assert turn.frames[0].event == "session-created"
    assert row(chat.server, made["id"])["title"] == "Later"
    assert "session-created" not in chat.run_turn("echo", session_id=made["id"]).events
    assert chat.http.post("/api/sessions").status_code == 200
    expect_error(chat.http.post("/api/sessions", json={"agent_name": "nope"}), 400)


def test_a_session_is_reserved_for_a_project_or_a_folder(chat: Chat, folder: Path) -> None:
    for fields in ({"agent_id": chat.folder.name}, {"directory": str(folder)}):
        body = {"agent_name": "demo", **fields}
        made = chat.http.post("/api/sessions", json=body).json()
        reserved = row(chat.server, made["id"])
        assert {name: reserved[name] for name in fields} == fields


def test_todos_files_and_markdown_come_from_the_transcript(chat: Chat) -> None:
    presets = {"file_changes": True}
    session_id = chat.run_turn("todo").session_id
    chat.run_turn("tools note.md hello", session_id=session_id, permission_presets=presets)
    path = f"/api/sessions/{session_id}"
    todos = chat.http.get(f"{path}/todos").json()["todos"]
    assert todos
    assert set(todos[0]) == {"content", "status", "activeForm"}
    files = chat.http.get(f"{path}/files").json()["files"]
    (file,) = files
    path_of_note = str(chat.folder / "demo" / "note.md")
    assert file == {"name": "note.md", "path": path_of_note, "type": "changed", "tool": "write"}
    answer = chat.http.get(f"{path}/export-md")
    assert "attachment" in answer.headers["content-disposition"]
    assert "tools note.md hello" in answer.text
    for family in ("todos", "files", "export-md"):
        expect_error(chat.http.get(f"/api/sessions/nope/{family}"), 404)


def transcript(server: LiveServer, words: str) -> tuple[str, Path]:
    """Write what Claude Code would leave behind after a session in a terminal."""
    session_id = str(uuid.uuid4())
    folder = server.home / ".claude" / "projects" / "-somewhere"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{session_id}.jsonl"
    user = {
        "type": "user",
        "uuid": "u1",
        "parentUuid": None,
        "timestamp": "2026-11-24T05:00:00.000Z",
        "cwd": str(server.projects / "terminal"),
        "sessionId": session_id,
        "message": {"role": "user", "content": words},
    }
    answer = {
        **user,
        "type": "assistant",
        "uuid": "a1",
        "parentUuid": "u1",
        "timestamp": "2026-11-24T05:00:02.000Z",
        "requestId": "r1",
        "message": {
            "id": "m1",
            "role": "assistant",
            "model": "claude-opus-4-5",
            "content": [{"type": "text", "text": "A pangolin, perhaps."}],
            "usage": {"input_tokens": 1000, "output_tokens": 200},
        },
    }
    file.write_text(json.dumps(user) + "\n" + json.dumps(answer) + "\n")
    return session_id, file


def test_a_session_of_a_terminal_appears_is_found_and_counted(server: LiveServer) -> None:
    session_id, file = transcript(server, "Which animal?")
    eventually(lambda: search(server, "pangolin") != [], 15, "it is findable")
    found = row(server, session_id)
    assert (found["title"], found["agent_name"]) == ("Which animal?", "claude_code")
    assert (found["agent_id"], found["message_count"]) == ("terminal", 2)
    messages = server.client.get(f"/api/messages/{session_id}").json()
    assert [message["role"] for message in messages["messages"]] == ["user", "assistant"]
    usage = server.client.get("/api/usage?days=365").json()
    model = next(m for m in usage["by_model"] if m["model"] == "claude-opus-4-5")
    assert (model["tokens_in"], model["tokens_out"]) == (1000, 200)
    assert usage["total_tokens"]["input"] >= 1000
    assert model["cost_usd"] == pytest.approx(0.005 + 0.005)
    assert usage["response_time"]["count"] >= 1
    with file.open("a") as torn:
        torn.write('{"type":"user","uuid":"u2","parentUuid":"a1","mess')
    assert server.client.get(f"/api/messages/{session_id}").json()["total"] == 2
    file.unlink()
    eventually(
        lambda: server.client.get(f"/api/sessions/{session_id}").status_code == 404,
        15,
        "it is gone",
    )


def test_deleting_a_terminal_session_moves_its_file_to_the_trash(server: LiveServer) -> None:
    session_id, file = transcript(server, "To be thrown away")
    eventually(lambda: search(server, "thrown") != [], 15, "it is findable")
    assert server.client.delete(f"/api/sessions/{session_id}").status_code == 200
    assert not file.exists()
    (kept,) = (server.state / "trash").rglob("*.jsonl")
    assert kept.name == file.name


@pytest.mark.parametrize("days", ["x", "1.5", "--1", "1_0"])
def test_a_window_that_is_no_number_is_refused(server: LiveServer, days: str) -> None:
    expect_error(server.client.get(f"/api/usage?days={days}"), 400)


@pytest.mark.parametrize(
    ("days", "window"), [("0", 1), ("-7", 1), ("366", 365), ("1" * 30, 365), ("", 30)]
)
def test_a_window_is_clamped_to_a_year(server: LiveServer, days: str, window: int) -> None:
    report = server.client.get(f"/api/usage?days={days}").json()
    assert (report["window_days"], len(report["daily"])) == (window, window)


@pytest.mark.parametrize(
    "query", ["end=0001-01-01", "start=0001-01-01", "end=x", "start=1969-12-31"]
)
def test_a_window_before_the_calendar_is_refused(server: LiveServer, query: str) -> None:
    expect_error(server.client.get(f"/api/usage/summary?{query}"), 400)


def _calls_of(http: httpx.Client, path: str) -> list[dict[str, Any]]:
    """Return the model calls of one session's row, which is otherwise the same in both styles."""
    docs, spa = http.get(path).json(), http.get(path, headers={"X-XO-Wire": "spa"}).json()
    assert docs == {**spa, "messages": docs["messages"]}
    assert spa["messages"] == spa["message_count"] == 2
    return docs["messages"]


@pytest.mark.parametrize("prefix", ["/api/usage", "/openclaw/usage"])
def test_older_usage_routes_answer_in_their_shapes(chat: Chat, prefix: str) -> None:
    session_id = chat.run_turn("text").session_id
    http = chat.http

    def calls() -> list[dict[str, Any]]:
        rows = http.get(f"{prefix}/analytics").json()["messages"]
        return [row for row in rows if row["session_id"] == session_id]

    eventually(calls, 10, "it counts")
    (call,) = calls()
    assert set(call) == {
        "session_id",
        "model",
        "tokens_in",
        "tokens_out",
        "cost_usd",
        "tools",
        "timestamp",
    }
    assert set(http.get(f"{prefix}/summary").json()) == {
        "total_cost_usd",
        "total_messages",
        "total_tokens",
    }
    assert set(http.get(f"{prefix}/summary/card").json()) == {
        "label",
        "value",
        "subtitle",
        "trend_pct",
    }
    rows = http.get(f"{prefix}/sessions").json()["sessions"]
    assert session_id in [r["session_id"] for r in rows]
    assert _calls_of(http, f"{prefix}/sessions/{session_id}") == [call]
    expect_error(http.get(f"{prefix}/sessions/nope"), 404)
    expect_error(http.get(f"{prefix}/analytics?start=x&end=y"), 400)
    assert http.get(f"{prefix}/analytics?days=100000000").status_code == 200


def test_daily_usage_is_filled_with_zeros(server: LiveServer) -> None:
    body = server.client.get("/api/usage?days=7").json()
    assert len(body["daily"]) == 7
    assert body["window_days"] == 7
    assert [day["date"] for day in body["daily"]] == sorted(day["date"] for day in body["daily"])
