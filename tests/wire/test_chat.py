"""The chat family beyond what the runtime contract covers."""

import json
import threading
import uuid
from pathlib import Path

import pytest

from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually


def test_session_created_comes_first_and_only_in_a_new_session(chat: Chat) -> None:
    first = chat.run_turn("text")
    assert first.frames[0].event == "session-created"
    assert first.frames[0].data == {"session_id": first.session_id}
    second = chat.run_turn("text", session_id=first.session_id)
    assert second.session_id == first.session_id
    assert "session-created" not in [frame.event for frame in second.frames]


def test_both_ids_are_uuids(chat: Chat) -> None:
    turn = chat.prompt("text")
    assert str(uuid.UUID(turn.stream_id)) == turn.stream_id
    assert str(uuid.UUID(turn.session_id)) == turn.session_id


@pytest.mark.parametrize("name", ["text-delta", "done"])
def test_data_keys_are_the_contracts(chat: Chat, name: str) -> None:
    keys = {
        "text-delta": {"text", "session_id"},
        "done": {"finish_reason", "session_id", "tokens", "cost"},
    }
    frames = [frame for frame in chat.run_turn("text").frames if frame.event == name]
    assert frames
    assert all(keys[name] <= set(frame.data) for frame in frames)


def test_the_larger_of_header_and_query_counts(chat: Chat) -> None:
    turn = chat.prompt("long 50")
    whole = chat.read(turn)
    with chat.stream(turn.stream_id, after=10, query="?last_event_id=20") as stream:
        stream.start_at(20)
        assert stream.rest()[0].id == 21
    with chat.stream(turn.stream_id, after=20, query="?last_event_id=oops") as stream:
        assert stream.rest()[0].id == 21
    assert whole.frames[20].id == 21


@pytest.mark.parametrize("beyond", [0, 1, 10**9])
def test_the_terminal_event_is_sent_again_past_the_end(chat: Chat, beyond: int) -> None:
    turn = chat.prompt("text")
    last_id = chat.read(turn).frames[-1].id
    assert last_id
    with chat.stream(turn.stream_id, after=last_id + beyond) as stream:
        frames = stream.rest()
    assert frames[-1].event == "done"
    assert frames[-1].id == last_id
    assert [frame.event for frame in frames[:-1]] == (["desync"] if beyond else [])


def test_the_identical_prompt_within_seconds_gets_the_running_turn(chat: Chat) -> None:
    first = chat.prompt("silent 30")
    assert chat.prompt("silent 30") == first
    again = chat.prompt("silent 30", session_id=first.session_id)
    assert again == first
    other = chat.send("text", session_id=first.session_id)
    assert other.status_code == 409
    assert other.json()["detail"]["stream_id"] == first.stream_id
    chat.abort(first.stream_id)


def test_equal_prompts_at_the_same_moment_start_one_turn(chat: Chat) -> None:
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(chat.prompt("silent 30"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(chat.active()) == 1
    chat.abort(found[0].stream_id)


def test_after_done_the_next_prompt_of_the_session_is_accepted_at_once(chat: Chat) -> None:
    session_id = chat.run_turn("text").session_id
    for _ in range(20):
        turn = chat.prompt("text", session_id=session_id)
        with chat.stream(turn.stream_id) as stream:
            stream.wait_for("done")


def test_a_workspace_below_a_project_names_the_project(server: LiveServer) -> None:
    inner = server.projects / "mine" / "src"
    inner.mkdir(parents=True)
    http = server.client
    body = {"text": "text", "agent_name": "demo", "workspace": str(inner)}
    session_id = http.post("/api/chat/prompt", json=body).json()["session_id"]
    row = http.get(f"/api/sessions/{session_id}").json()
    assert row["agent_id"] == "mine"
    assert row["directory"] == str((server.projects / "mine").resolve())


def test_a_tilde_is_the_home_folder(server: LiveServer) -> None:
    (server.home / "elsewhere").mkdir()
    body = {"text": "text", "agent_name": "demo", "workspace": "~/elsewhere"}
    session_id = server.client.post("/api/chat/prompt", json=body).json()["session_id"]
    row = server.client.get(f"/api/sessions/{session_id}").json()
    assert row["directory"] == str((server.home / "elsewhere").resolve())


def test_a_context_block_reaches_no_title_and_no_history(chat: Chat) -> None:
    turn = chat.run_turn("echo plain\n\n---\n\n> **Project context**\n> secret plan")
    row = chat.http.get(f"/api/sessions/{turn.session_id}").json()
    assert row["title"] == "echo plain"
    assert chat.messages(turn.session_id)[0]["text"] == "echo plain"


def test_spa_style_gives_the_bare_list(chat: Chat) -> None:
    chat.run_turn("text")
    eventually(lambda: chat.sessions() != [], 15, "a session is listed")
    rows = chat.http.get("/api/sessions?limit=1", headers={"X-XO-Wire": "spa"}).json()
    assert isinstance(rows, list)
    assert rows[0]["id"] == rows[0]["session_id"]
    assert chat.http.get("/api/sessions", headers={"X-XO-Wire": "x"}).status_code == 400


def test_the_newest_page_and_a_page_by_offset_hold_the_same_rows(chat: Chat) -> None:
    session_id = chat.run_turn("echo 1").session_id
    for number in range(2, 5):
        chat.run_turn(f"echo {number}", session_id=session_id)
    path = f"/api/messages/{session_id}"
    newest = chat.http.get(f"{path}?limit=3").json()
    assert (newest["total"], newest["offset"], len(newest["messages"])) == (8, 5, 3)
    assert chat.http.get(f"{path}?limit=3&offset=5").json()["messages"] == newest["messages"]
    assert chat.http.get(f"{path}?offset=100").json()["messages"] == []


def test_an_aborted_turn_frees_its_session_when_abort_answers(chat: Chat) -> None:
    turn = chat.prompt("slow 60")
    assert chat.abort(turn.stream_id) == {"ok": True, "aborted": True}
    assert chat.active() == []
    assert chat.run_turn("text", session_id=turn.session_id).frames[-1].event == "done"
    assert chat.abort(turn.stream_id) == {"ok": True, "aborted": False}


def test_ask_question_keeps_one_session_for_a_project(server: LiveServer) -> None:
    body = {"project_name": "legacy", "question": "echo one", "user_id": "u1"}
    first = server.client.post("/ask_question", json=body).json()
    assert set(first) == {
        "id",
        "message",
        "project_id",
        "user_id",
        "session_id",
        "is_new_session",
        "timestamp",
    }
    assert (first["id"], first["message"], first["is_new_session"]) == (None, "one", True)
    second = server.client.post("/ask_question", json={**body, "question": "echo two"}).json()
    assert (second["session_id"], second["is_new_session"]) == (first["session_id"], False)
    assert server.client.get("/sessions").json()["legacy"]["session_id"] == first["session_id"]
    assert server.client.delete("/sessions/legacy").json() == {"ok": True}
    assert server.client.delete("/sessions/legacy").status_code == 404
    third = server.client.post("/ask_question", json=body).json()
    assert third["is_new_session"] is True


def test_ask_question_streaming_gives_unnamed_events_to_the_end(server: LiveServer) -> None:
    body = {"project_name": "legacy-stream", "question": "echo hello there"}
    answer = server.client.post("/ask_question_streaming", json=body)
    events = [json.loads(block.removeprefix("data: ")) for block in answer.text.split("\n\n")[:-1]]
    assert "".join(e["token"] for e in events[:-1]) == "hello there"
    assert events[-1] == {"done": True}


def test_a_failed_legacy_turn_says_why(server: LiveServer) -> None:
    body = {"project_name": "legacy-bad", "question": "error rate_limit"}
    answer = server.client.post("/ask_question", json=body)
    assert answer.status_code == 502
    assert answer.json()["detail"]
    streamed = server.client.post("/ask_question_streaming", json=body).text
    assert '"type":"error"' in streamed
    assert streamed.endswith('data: {"done":true}\n\n')


def files_outside(chat: Chat) -> dict[Path, bytes]:
    """Return the entries of the server's folder beside the project, the state and the log."""
    server = chat.server
    own = (chat.folder, server.state, server.root / "server.log")
    return {
        path: path.read_bytes()
        for path in server.root.rglob("*")
        if path.is_file() and not any(path.is_relative_to(place) for place in own)
    }


def test_a_turn_writes_only_inside_its_project(own_server: LiveServer) -> None:
    chat = Chat(own_server, "demo")
    (chat.server.home / "note.md").write_text("mine")
    before = files_outside(chat)
    turn = chat.run_turn("tools note.md hello", permission_presets={"file_changes": True})
    assert turn.frames[-1].event == "done"
    written = [path for path in Path(chat.folder).rglob("*") if path.is_file()]
    assert any("hello" in path.read_text() for path in written)
    assert files_outside(chat) == before


def test_a_running_turn_outside_any_project_is_listed(server: LiveServer) -> None:
    body = {"text": "silent 30", "agent_name": "demo"}
    started = server.client.post("/api/chat/prompt", json=body).json()
    answer = server.client.get("/api/chat/active")
    assert answer.status_code == 200, answer.text
    (row,) = answer.json()
    assert set(row) == {
        "stream_id",
        "session_id",
        "agent_name",
        "agent_id",
        "started_at",
        "needs_input",
    }
    assert row["agent_id"] is None
    server.client.post("/api/chat/abort", json={"stream_id": started["stream_id"]})
