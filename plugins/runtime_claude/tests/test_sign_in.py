"""Signing in to Claude Code over HTTP, with a program that behaves as `claude setup-token`."""

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fakes.claude_cli.claude_prompts import FAKE_CLI
from tests.fakes.claude_cli.setup_token import TOKEN
from tests.support.answers import wait_for_state
from xo_cowork_core.sdk.testing import LiveServer, eventually
from xo_runtime_claude.sign_in import read_code

START = "/claude/setup-token"
FINISH = "/claude/setup-token/callback"
FORM = {"content-type": "application/x-www-form-urlencoded"}
EVENTS = {"accept": "text/event-stream"}
ENVIRONMENT = {"XO_PLUGINS": "runtime_claude", "CLAUDE_CLI_PATH": str(FAKE_CLI)}


@pytest.fixture(scope="module")
def shared() -> Iterator[LiveServer]:
    with LiveServer(environment=ENVIRONMENT) as server:
        yield server


@pytest.fixture
def server(shared: LiveServer) -> Iterator[LiveServer]:
    """A server without a token and without an open sign-in."""
    yield shared
    flow = shared.client.get("/api/runtimes/claude_code/sign-in").json()["flow"]
    if flow:
        shared.client.delete(f"/api/runtimes/claude_code/sign-in/{flow['flow_id']}")
    for name in ("setup-token.json", "setup-token.log", ".xo-cowork/env"):
        (shared.home / name).unlink(missing_ok=True)


def configure(server: LiveServer, **options: object) -> None:
    (server.home / "setup-token.json").write_text(json.dumps(options))


def received(server: LiveServer) -> list[dict[str, str]]:
    """What the program showed and got."""
    lines = (server.home / "setup-token.log").read_text().splitlines()
    return [json.loads(line) for line in lines]


def start(server: LiveServer) -> dict[str, str]:
    answer = server.client.post(START)
    assert answer.status_code == 200, answer.text
    return answer.json()


def finish(server: LiveServer, session_id: str, code: str) -> httpx.Response:
    return server.client.post(FINISH, json={"session_id": session_id, "code": code})


def events_of(answer: httpx.Response) -> list[dict[str, object]]:
    """Read a whole stream of `data:` lines."""
    lines = [line for line in answer.text.split("\n\n") if line.startswith("data: ")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def is_signed_in(server: LiveServer) -> bool:
    return server.client.get("/api/runtimes/claude_code/sign-in").json()["signed_in"]


def programs(server: LiveServer) -> list[int]:
    return [each.pid for each in server.descendants() if "setup-token" in each.command]


def test_a_person_signs_in_and_the_token_is_stored(server: LiveServer) -> None:
    started = start(server)
    shown = received(server)[0]
    assert started["authorize_url"] == shown["url"]
    assert shown["argv"] == ["setup-token"]
    code = "good/+=DEF%2Fq#st%20ate"
    answer = finish(server, started["session_id"], f"  {code[:9]}\n{code[9:]}\r\n")
    assert answer.json()["ok"] is True, answer.text
    assert received(server)[1] == {"code": code}
    file = server.state / "env"
    assert TOKEN in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert is_signed_in(server)
    wait_for_state(server, "claude_code", "ready")
    eventually(lambda: not programs(server), 15, "the program has ended")
    # a lost answer is asked for again; another code comes too late
    assert finish(server, started["session_id"], code).status_code == 200
    assert finish(server, started["session_id"], "other#state").status_code == 409


def test_a_stream_replays_the_url_to_a_second_client(server: LiveServer) -> None:
    got: dict[str, list[dict[str, object]]] = {}

    def read(path: str, headers: dict[str, str]) -> None:
        answer = server.client.post(path, headers=headers, timeout=60)
        assert answer.headers["content-type"].startswith("text/event-stream")
        got[path] = events_of(answer)

    readers = [
        threading.Thread(target=read, args=(path, headers))
        for path, headers in ((START, EVENTS), ("/connect/claude-code", {}))
    ]
    for reader in readers:
        reader.start()
    started = start(server)
    assert start(server) == started
    body = f"session_id={started['session_id']}&code=good%2F%2B%23state"
    path = "/connect/claude-code/callback"
    assert server.client.post(path, content=body, headers=FORM).json()["ok"] is True
    for reader in readers:
        reader.join(30)
    assert received(server)[1] == {"code": "good/+#state"}
    for events in got.values():
        assert events[0] == {"type": "session", "session_id": started["session_id"]}
        [url] = [event["url"] for event in events if event["type"] == "auth_url"]
        assert url == started["authorize_url"]
        assert {"type": "stdout", "line": "Paste code here if prompted"} in events
        assert events[-2]["line"] == "Authentication token created successfully"
        assert events[-1] == {"type": "done", "returncode": 0}
        assert TOKEN[:20] not in json.dumps(events)


@pytest.mark.parametrize(
    ("code", "status", "word"),
    [
        ("denied#state", 400, "access_denied"),
        ("wrong#state", 400, "invalid_grant"),
        ("down#state", 400, "failed"),
        ("die#state", 400, "failed"),
    ],
)
def test_a_sign_in_that_fails_says_why(
    server: LiveServer, code: str, status: int, word: str
) -> None:
    session_id = start(server)["session_id"]
    answer = finish(server, session_id, code + "-planted-code-0123456789abcdef")
    assert answer.status_code == status
    assert answer.json()["detail"]["code"] == word
    assert "planted" not in answer.text
    assert "planted" not in server.log
    assert not (server.state / "env").exists()
    eventually(lambda: not programs(server), 15, "the program has ended")
    # it is closed now, and the next one is another
    assert finish(server, session_id, "good#state").status_code == 410
    assert start(server)["session_id"] != session_id


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"session_id": "x"},
        {"session_id": 5, "code": "good#state"},
        {"session_id": "ID", "code": None},
        {"session_id": "ID", "code": ["good#state"]},
        {"session_id": "ID", "code": ""},
        {"session_id": "ID", "code": "no-state"},
        {"session_id": "ID", "code": "good#st\0ate"},
        {"session_id": "ID", "code": "é#state"},
        {"session_id": "ID", "code": "https://platform.claude.com/callback?state=only"},
        {"session_id": "ID", "code": "x" * (1 << 20)},
        [],
        "text",
    ],
)
def test_a_malformed_code_is_refused_and_the_sign_in_goes_on(
    server: LiveServer, body: object
) -> None:
    started = start(server)
    text = json.dumps(body).replace('"ID"', json.dumps(started["session_id"]))
    headers = {"content-type": "application/json"}
    answer = server.client.post(FINISH, content=text, headers=headers)
    assert answer.status_code == 400, answer.text
    assert answer.json()["detail"]
    assert len(received(server)) == 1
    assert start(server) == started


def test_an_unknown_sign_in_is_a_conflict(server: LiveServer) -> None:
    assert finish(server, "unknown", "good#state").status_code == 409


def test_cancelling_ends_the_program_and_what_it_started(server: LiveServer) -> None:
    configure(server, child=True)
    session_id = start(server)["session_id"]
    assert programs(server)
    flow = server.client.delete(f"/api/runtimes/claude_code/sign-in/{session_id}").json()
    assert flow["state"] == "cancelled"
    eventually(lambda: server.descendants() == [], 15, "no process is left")
    assert finish(server, session_id, "good#state").status_code == 410


def test_a_program_that_ends_at_once_is_reported(server: LiveServer) -> None:
    configure(server, start="exit")
    answer = server.client.post(START)
    assert answer.status_code == 502
    assert "exit code was 1" in answer.text


def test_a_program_that_says_nothing_is_not_ready(server: LiveServer) -> None:
    configure(server, start="silent")
    answer = server.client.post(START, timeout=60)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    flow = server.client.get("/api/runtimes/claude_code/sign-in").json()["flow"]
    assert flow["state"] == "starting"
    assert finish(server, flow["flow_id"], "good#state").status_code == 504


def test_a_missing_program_is_named_with_what_to_do(tmp_path: Path) -> None:
    environment = {**ENVIRONMENT, "CLAUDE_CLI_PATH": str(tmp_path / "nowhere" / "claude")}
    with LiveServer(environment=environment) as server:
        answer = server.client.post(START)
        assert answer.status_code == 503
        assert "npm install" in answer.json()["detail"]["error"]
        assert str(tmp_path) not in answer.text


def test_a_killed_server_leaves_a_clear_state_and_no_program(tmp_path: Path) -> None:
    with LiveServer(environment=ENVIRONMENT) as server:
        session_id = start(server)["session_id"]
        before = server.descendants()
        assert before
        server.kill()
        server.start()
        eventually(lambda: not any(each.is_alive for each in before), 15, "no program is left")
        answer = finish(server, session_id, "good#state")
        assert (answer.status_code, answer.json()["detail"]["code"]) == (410, "restarted")
        assert start(server)["session_id"] != session_id


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("abc#xyz", "abc#xyz"),
        (" a/+=%2Fb#x%20y\r\n", "a/+=%2Fb#x%20y"),
        ("https://platform.claude.com/oauth/code/callback?code=a%2Fb%2B%3D&state=x", "a/b+=#x"),
        ("https://platform.claude.com/oauth/code/callback?state=x&code=a+b", "a+b#x"),
        ("https://platform.claude.com/oauth/code/callback?code=a%252F#x", "a%2F#x"),
        ("code=abc&state=x", "abc#x"),
        ("?code=abc&state=x", "abc#x"),
    ],
)
def test_what_was_pasted_becomes_the_code(text: str, code: str) -> None:
    assert read_code(text) == code


def test_no_secret_reaches_the_log_or_the_command_lines(server: LiveServer) -> None:
    session_id = start(server)["session_id"]
    assert not any(re.search("sk-ant|good#", each.command) for each in server.descendants())
    finish(server, session_id, "good-planted-code-0123456789#planted-state")
    assert TOKEN not in server.log
    assert "planted" not in server.log
    # the token is in this file, which is private, until it is stored elsewhere
    journal = server.state / "connectors" / "flows.json"
    eventually(lambda: TOKEN not in journal.read_text(), 10, "the token is blanked")
    assert "planted" not in journal.read_text()
