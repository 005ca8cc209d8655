"""Real turns write the files of `.xo`: true, within their schemas, and without any content."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually

SECONDS = 30.0
SCHEMAS = Path(__file__).parents[3] / "docs" / "schemas"
FILES = {
    "project": "project.json",
    "todos": "todos.json",
    "stats": "stats.json",
    "activity": "activity.json",
    "sync": "sync.json",
    "peers": "peers.json",
    "sessionslist": "sessions/sessionslist.json",
}
PLANTED = "planted-7f3e-"


@pytest.fixture
def server() -> Iterator[LiveServer]:
    environment = {"XO_PLUGINS": "runtime_demo", "DEMO_KEY": f"{PLANTED}key"}
    with LiveServer(environment=environment) as running:
        yield running


@pytest.fixture
def chat(server: LiveServer) -> Chat:
    body = {
        "path": str(server.projects / "mine"),
        "scaffold": True,
        "display_name": "My name",
        "description": "My description",
    }
    assert server.client.post("/api/files/mkdir", json=body).status_code == 200
    return Chat(server, "demo", "mine")


def xo(chat: Chat, name: str) -> Any:
    return json.loads((chat.folder / ".xo" / name).read_text())


def timeline(chat: Chat) -> list[dict[str, Any]]:
    text = (chat.folder / ".xo" / "timeline.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def kinds(chat: Chat) -> list[str]:
    return [event["type"] for event in timeline(chat)]


def wait_for_ends(chat: Chat, count: int) -> None:
    def ended() -> bool:
        # activity.json is the last file that is written, with the time at which that began
        written = xo(chat, "activity.json")["updated_at"]
        return kinds(chat).count("session.ended") == count and written >= timeline(chat)[-1]["ts"]

    eventually(ended, SECONDS, f"{count} turns are written down")


def open_ids(chat: Chat) -> list[str]:
    return [row["session_id"] for row in xo(chat, "activity.json")["open_sessions"]]


def test_turns_leave_true_records_within_their_schemas(chat: Chat) -> None:
    first = chat.run_turn("tools")
    chat.run_turn("todo", session_id=first.session_id)
    wait_for_ends(chat, 2)
    events = timeline(chat)
    assert {event["session_id"] for event in events} == {first.session_id}
    assert kinds(chat) == [
        "session.started",
        "file.created",
        "session.ended",
        "session.started",
        *["todo.added"] * 3,
        *["todo.completed"] * 3,
        "session.ended",
    ]
    assert [e["resumed"] for e in events if e["type"] == "session.started"] == [False, True]
    assert [e["path"] for e in events if "path" in e] == ["demo/note.md"]
    (row,) = xo(chat, "sessions/sessionslist.json").values()
    assert (row["sessionId"], row["backend"], row["directory"]) == (first.session_id, "demo", ".")
    tokens = [event["tokens"] for event in events if event["type"] == "session.ended"]

    def week() -> Any:
        return xo(chat, "stats.json")["rolling"]["7d"]

    wanted = sum(one["input"] for one in tokens)
    eventually(
        lambda: week().get("tokens", {}).get("input") == wanted > 0, SECONDS, "it is counted"
    )
    assert [week()[key] for key in ("sessions", "turns", "files_edited")] == [1, 2, 1]
    for name, file in FILES.items():
        jsonschema_rs.validate(schema(name), xo(chat, file))
    for event in events:
        jsonschema_rs.validate(schema("timeline"), event)


def schema(name: str) -> Any:
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text())


def test_every_schema_is_one() -> None:
    for path in SCHEMAS.iterdir():
        jsonschema_rs.meta.validate(json.loads(path.read_text()))
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validate(schema("timeline"), timeline_line("text"))


def timeline_line(field: str) -> dict[str, Any]:
    head = {"ts": "x", "type": "file.edited", "session_id": "s", "runtime": "r", "path": "p"}
    return {**head, field: "content"}


def test_a_running_turn_is_open_in_the_answer_and_in_the_file(chat: Chat) -> None:
    turn = chat.prompt("slow 30")
    url = "/api/xo-projects/mine/activity"
    (row,) = chat.http.get(url).json()["open_sessions"]
    assert row["session_id"] == turn.session_id
    assert (row["runtime"], row["agent"]) == ("demo", "mine")
    assert datetime.fromisoformat(row["opened_at"]).tzinfo
    eventually(lambda: open_ids(chat) == [turn.session_id], SECONDS, "the file has it")
    chat.abort(turn.stream_id)
    assert chat.http.get(url).json() == {"open_sessions": []}
    wait_for_ends(chat, 1)
    assert timeline(chat)[-1]["finish_reason"] == "aborted"


def test_a_turn_that_fails_says_so(chat: Chat) -> None:
    chat.run_turn("error rate_limit")
    wait_for_ends(chat, 1)
    last = timeline(chat)[-1]
    assert (last["finish_reason"], last["error_code"]) == ("error", "rate_limit")


def test_the_name_and_description_outlive_turns_and_a_restart(chat: Chat) -> None:
    card = xo(chat, "project.json")
    chat.run_turn("tools")
    wait_for_ends(chat, 1)
    chat.server.restart()
    chat.run_turn("todo")
    wait_for_ends(chat, 2)
    assert xo(chat, "project.json") == card
    (item,) = chat.http.get("/api/xo-projects").json()["items"]
    assert (item["display_name"], item["description"]) == ("My name", "My description")


def test_a_session_that_a_crash_left_open_is_closed_at_the_next_start(chat: Chat) -> None:
    turn = chat.prompt("slow 60")
    eventually(lambda: open_ids(chat) == [turn.session_id], SECONDS, "the file has it")
    chat.server.kill()
    chat.server.start()
    wait_for_ends(chat, 1)
    assert timeline(chat)[-1]["error_code"] == "restart"


def test_what_happened_last_is_written_before_the_server_ends(chat: Chat) -> None:
    chat.prompt("slow 60")
    chat.server.terminate()
    assert kinds(chat) == ["session.started", "session.ended"]
    assert open_ids(chat) == []


def test_turns_in_a_subfolder_belong_to_the_project_and_others_write_nothing(chat: Chat) -> None:
    inner = chat.folder / "src"
    inner.mkdir()
    elsewhere = chat.server.home / "elsewhere"
    elsewhere.mkdir()
    Chat(chat.server, "demo", "mine").run_turn("tools", agent_id=None, workspace=str(inner))
    chat.run_turn("tools", agent_id=None, workspace=str(elsewhere))
    wait_for_ends(chat, 1)
    assert [event["path"] for event in timeline(chat) if "path" in event] == ["demo/note.md"]
    assert not (elsewhere / ".xo").exists()
    assert not (chat.server.projects / ".xo").exists()


def test_no_content_of_a_turn_is_found_under_the_projects_root(chat: Chat) -> None:
    (chat.server.state / "env").write_text(f"EXTRA={PLANTED}file-key\n")
    (chat.server.state / "env").chmod(0o600)
    prompts = [
        f"echo {PLANTED}answer",
        f"{PLANTED}prompt",
        f"title {PLANTED}title",
        f"error upstream {PLANTED}error",
        "reasoning",
        "todo",
    ]
    for prompt in prompts:
        chat.run_turn(prompt)
    # what a tool writes into the project is the user's; its messages about it must not be stored
    chat.run_and_answer(f"permission note.md {PLANTED}content", "permission-request", False)
    chat.run_turn(f"tools note.md {PLANTED}content", permission_presets={"file_changes": True})
    (chat.folder / "demo" / "note.md").unlink()
    wait_for_ends(chat, len(prompts) + 2)
    chat.server.terminate()
    texts = {path: path.read_bytes() for path in chat.server.projects.rglob("*") if path.is_file()}
    assert len(texts) >= 20
    planted = (PLANTED, "I follow a script", "I thought about it", str(chat.server.home))
    for path, body in texts.items():
        for text in planted:
            assert text.encode() not in body, f"{text} in {path}"
