"""Every malformed request gets a 4xx with `detail`; none gets a 5xx, none starts half a turn."""

import json
from typing import Any

import pytest

from tests.support.answers import expect_error
from xo_cowork_core.sdk.testing import Chat, LiveServer

UNKNOWN = "7c1f6a9e-4a3b-4c7e-9d1e-2f5a8b6c0d3e"
ROUTES = (
    "/api/chat/prompt",
    "/api/chat/edit",
    "/api/chat/respond",
    "/api/chat/abort",
    "/ask_question",
    "/ask_question_streaming",
)
NOT_JSON_OBJECTS = (
    b"",
    b"{",
    b"[]",
    b"1",
    b"null",
    b'"text"',
    b"{}",
    b"\xff\xfe",
    b'{"text": "\xff"}',
    b"[" * 100_000,
    b'{"text": NaN}',
    b'{"text": 1e999}',
)
PROMPTS: tuple[dict[str, Any], ...] = (
    {"text": 5},
    {"text": ""},
    {"text": " \n\t "},
    {"text": None},
    {"text": ["a"]},
    {"text": {"a": 1}},
    {"text": True},
    {"text": "hi", "session_id": 5},
    {"text": "hi", "agent_name": "nope"},
    {"text": "hi", "agent_name": ["demo"]},
    {"text": "hi", "agent_id": "../x"},
    {"text": "hi", "agent_id": "a/b"},
    {"text": "hi", "agent_id": ".hidden"},
    {"text": "hi", "agent_id": "a\u0000b"},
    {"text": "hi", "agent_id": "x" * 300},
    {"text": "hi", "workspace": "/nul\u0000"},
    {"text": "hi", "agent": "dance"},
    {"text": "hi", "attachments": "x"},
    {"text": "hi", "attachments": [5]},
    {"text": "hi", "attachments": [{"name": "x"}]},
    {"text": "hi", "attachments": [{"path": "relative"}]},
    {"text": "hi", "permission_presets": "all"},
    {"text": "hi", "permission_presets": {"file_changes": "maybe"}},
    {"text": "hi", "permission_presets": {"file_changes": 1}},
)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("body", NOT_JSON_OBJECTS, ids=lambda body: repr(body[:12]))
def test_a_body_that_is_no_fitting_json_object_is_refused(
    server: LiveServer, route: str, body: bytes
) -> None:
    for kind in ("application/json", "text/plain", ""):
        headers = {"Content-Type": kind} if kind else {}
        answer = server.client.post(route, content=body, headers=headers)
        if route == "/api/chat/abort" and body.startswith(b"{") and answer.status_code == 200:
            # an abort of any object is accepted, and stops nothing here
            assert answer.json() == {"ok": True, "aborted": False}
        else:
            expect_error(answer)
    assert server.client.get("/api/chat/active").json() == []


@pytest.mark.parametrize("body", PROMPTS, ids=lambda body: json.dumps(body)[:40])
def test_a_wrong_prompt_is_refused_and_starts_nothing(server: LiveServer, body: Any) -> None:
    before = server.client.get("/api/sessions").json()["total"]
    expect_error(server.client.post("/api/chat/prompt", json=body))
    assert server.client.get("/api/sessions").json()["total"] == before


def test_an_empty_text_is_named_as_the_contract_says(server: LiveServer) -> None:
    answer = server.client.post("/api/chat/prompt", json={"text": "  "})
    assert expect_error(answer) == "Empty message"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"text": "hi", "session_id": UNKNOWN}, 404),
        ({"text": "hi", "session_id": "no-uuid"}, 404),
        ({"text": "hi", "attachments": [{"path": "/etc/passwd"}]}, 403),
        ({"text": "hi", "attachments": [{"path": "~/missing"}]}, 404),
        ({"text": "hi", "attachments": [{"path": "~/.xo-cowork/state.db"}]}, 403),
    ],
)
def test_what_is_unknown_or_outside_gets_its_own_status(
    server: LiveServer, body: Any, status: int
) -> None:
    expect_error(server.client.post("/api/chat/prompt", json=body), status)


def test_a_sibling_of_the_home_folder_is_outside(server: LiveServer) -> None:
    sibling = server.home.with_name(server.home.name + "2")
    sibling.mkdir()
    (sibling / "note.md").write_text("x")
    (server.home / "link").symlink_to(sibling)
    for folder in (sibling, server.home / "link"):
        files = [{"path": str(folder / "note.md")}]
        answer = server.client.post("/api/chat/prompt", json={"text": "hi", "attachments": files})
        assert expect_error(answer, 403) == "Access denied"
        answer = server.client.post("/api/sessions", json={"directory": str(folder)})
        assert expect_error(answer, 403) == "Access denied"
        body = {"text": "text", "agent_name": "demo", "workspace": str(folder)}
        turn = server.client.post("/api/chat/prompt", json=body).json()
        assert turn["directory"] == str(server.projects)


@pytest.mark.parametrize("stream_id", ["nope", UNKNOWN, "%00", "a%20b"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_stream_gets_one_error_event(
    server: LiveServer, method: str, stream_id: str
) -> None:
    answer = server.client.request(method, f"/api/chat/stream/{stream_id}")
    assert answer.status_code == 200
    assert answer.text == 'event: error\ndata: {"error_message":"Stream not found"}\n\n'


def test_abort_of_an_unknown_stream_is_no_error(server: LiveServer) -> None:
    answer = server.client.post("/api/chat/abort", json={"stream_id": "nope"})
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "aborted": False})


def test_respond_to_an_unknown_stream_is_404(server: LiveServer) -> None:
    body = {"stream_id": "nope", "call_id": "x", "response": True}
    expect_error(server.client.post("/api/chat/respond", json=body), 404)


@pytest.mark.parametrize(
    ("scenario", "event", "response"),
    [
        ("permission", "permission-request", "perhaps"),
        ("permission", "permission-request", 1),
        ("permission", "permission-request", {}),
        ("question", "question", 7),
        ("question", "question", {"Which?": {"a": 1}}),
        ("plan", "plan-review", "dance"),
        ("plan", "plan-review", '{"action": "revise", "feedback": 5}'),
    ],
)
def test_an_answer_of_the_wrong_kind_is_refused_and_the_request_stays_open(
    chat: Chat, scenario: str, event: str, response: Any
) -> None:
    turn = chat.prompt(scenario)
    with chat.stream(turn.stream_id) as stream:
        call_id = str(stream.wait_for(event).data["call_id"])
        expect_error(chat.respond(turn.stream_id, call_id, response))
        assert chat.active()[0]["needs_input"] is True
        chat.abort(turn.stream_id)


def test_respond_after_the_turn_is_409_for_what_it_asked_and_404_for_anything_else(
    chat: Chat,
) -> None:
    turn = chat.prompt("permission")
    with chat.stream(turn.stream_id) as stream:
        call_id = str(stream.wait_for("permission-request").data["call_id"])
        chat.abort(turn.stream_id)
        stream.wait_for("done")
    expect_error(chat.respond(turn.stream_id, call_id, True), 409)
    expect_error(chat.respond(turn.stream_id, "x", True), 404)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=x",
        "limit=1.5",
        "limit=1_0",
        "limit=%2B5",
        "offset=-1",
        "offset=x",
    ],
)
def test_a_bad_page_of_sessions_is_refused(server: LiveServer, query: str) -> None:
    expect_error(server.client.get(f"/api/sessions?{query}"))


def test_unknown_sessions_are_404(server: LiveServer) -> None:
    for path in ("/api/sessions/nope", "/api/messages/nope", "/api/nothing"):
        expect_error(server.client.get(path), 404)


def test_a_wrong_method_is_405_with_detail(server: LiveServer) -> None:
    expect_error(server.client.get("/api/chat/prompt"), 405)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:5002", "127.0.0.1.evil.example"])
def test_a_foreign_host_is_refused_on_every_route(server: LiveServer, host: str) -> None:
    for path in ("/", "/health", "/api/plugins", "/api/chat/stream/x", "/openapi.json"):
        expect_error(server.client.get(path, headers={"Host": host}), 403)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://localhost.evil.com"])
@pytest.mark.parametrize("kind", ["text/plain", "application/json"])
def test_a_foreign_web_page_starts_no_turn(server: LiveServer, origin: str, kind: str) -> None:
    headers = {"Origin": origin, "Content-Type": kind}
    body = json.dumps({"text": "hi"}).encode()
    answer = server.client.post("/api/chat/prompt", content=body, headers=headers)
    expect_error(answer, 403)
    assert "access-control-allow-origin" not in answer.headers


def test_nulls_and_unknown_keys_pass(chat: Chat) -> None:
    answer = chat.send("text", session_id=None, model=None, attachments=None, novelty={"a": 1})
    assert answer.status_code == 200, answer.text
    answer = chat.http.get("/api/sessions?limit=9999&novelty=1")
    assert answer.status_code == 200
