"""Prompts as the shipped frontends send them: files alone, titles, aborts of anything."""

from typing import Any

import pytest

from tests.support.answers import expect_error
from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually


def row(chat: Chat, session_id: str) -> dict[str, Any]:
    return chat.http.get(f"/api/sessions/{session_id}").json()


def test_a_prompt_may_be_attachments_alone(chat: Chat) -> None:
    (chat.server.home / "plan.txt").write_text("plan")
    files = chat.http.post("/api/files/attach", json={"paths": ["~/plan.txt"]}).json()
    for text in ("", "  \n", None):
        turn = chat.run_turn(text, attachments=files)  # pyright: ignore[reportArgumentType]
        assert turn.terminal.event == "done"
        assert row(chat, turn.session_id)["title"] == "plan.txt"
        (user, _) = chat.messages(turn.session_id)
        assert (user["role"], user["text"]) == ("user", "")
        assert [p["data"]["name"] for p in user["parts"] if p["data"]["type"] == "file"] == [
            "plan.txt"
        ]
    expect_error(chat.send("", attachments=[]))


def test_a_title_of_the_agent_is_kept(chat: Chat) -> None:
    session_id = chat.run_turn("title The garden plan").session_id
    eventually(lambda: row(chat, session_id)["title"] == "The garden plan", 15, "it is stored")

    def listed_titles() -> list[object]:
        return [each["title"] for each in chat.sessions() if each["session_id"] == session_id]

    eventually(lambda: listed_titles() == ["The garden plan"], 15, "it is listed")
    chat.run_turn("title A later one", session_id=session_id)
    eventually(lambda: row(chat, session_id)["title"] == "A later one", 15, "it is replaced")


def test_a_title_of_a_person_stays(chat: Chat) -> None:
    session_id = chat.run_turn("text").session_id
    chat.http.patch(f"/api/sessions/{session_id}", json={"title": "Mine"})
    chat.run_turn("title Of the agent", session_id=session_id)
    reserved = chat.http.post("/api/sessions", json={"title": "Mine", "agent_name": "demo"}).json()
    chat.run_turn("title Of the agent", session_id=reserved["id"])
    for each in (session_id, reserved["id"]):
        assert row(chat, each)["title"] == "Mine"


@pytest.mark.parametrize(
    "body", [{}, {"stream_id": None}, {"stream_id": 5}, {"stream_id": ["a"]}, {"other": "x"}]
)
def test_an_abort_of_whatever_is_a_200(server: LiveServer, body: dict[str, Any]) -> None:
    answer = server.client.post("/api/chat/abort", json=body)
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "aborted": False})


def test_a_refused_prompt_says_why_in_its_error(chat: Chat) -> None:
    turn = chat.prompt("silent 30")
    detail = chat.send("text", session_id=turn.session_id).json()["detail"]
    assert detail["error"] == detail["message"] == "A turn of this session is still running"
    assert (detail["code"], detail["stream_id"]) == ("conflict", turn.stream_id)
    chat.abort(turn.stream_id)


@pytest.mark.parametrize("fields", [{}, {"user_id": None}])
def test_a_question_without_a_user_is_the_default_users(
    server: LiveServer, fields: dict[str, None]
) -> None:
    body = {"project_name": "asked", "question": "text", "agent_name": "demo", **fields}
    assert server.client.post("/ask_question", json=body).json()["user_id"] == "default_user"


def test_a_compaction_is_a_part_of_the_message_in_its_place(chat: Chat) -> None:
    turn = chat.run_turn("compaction")
    (start,) = turn.bodies("compaction-start")
    assert start["phases"] == ["prune", "summarize"]
    answer = chat.messages(turn.session_id)[-1]
    kinds = [part["data"]["type"] for part in answer["parts"]]
    assert kinds == ["compaction", "text", "step-finish"]
    assert answer["parts"][0]["data"] == {"type": "compaction"}
