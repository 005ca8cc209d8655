"""`XO_OPENCLAW_MANAGE=1` with the real gateway: made ready, started, watched, ended, swept.

One server for all: the gateway takes its time to start. Each test leaves it as it likes.
"""

import json
import os
import re
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.mcp_server.server import FakeMcpServer
from tests.fakes.openclaw_gateway.openclaw_prompts import (
    MODEL,
    START_SECONDS,
    config,
    free_port,
    real_binary,
    say,
    tool,
)
from tests.support.mcp_turns import acme_environment, install_acme, sign_in
from xo_cowork_core.sdk.testing import (
    Chat,
    Connections,
    FakeOAuthServer,
    LiveServer,
    ProcessInfo,
)
from xo_cowork_core.sdk.testing.process_tree import eventually
from xo_cowork_core.sdk.testing.recording import Recording

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]
TURN_SECONDS = 60.0
RELOAD_SECONDS = 60.0
SLOW = "[[text n=300 delay=0.1 slow]]"


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeOAuthServer]:
    """The service of the connector `acme`."""
    with FakeOAuthServer() as running:
        yield running


@pytest.fixture(scope="module")
def acme_mcp(provider: FakeOAuthServer) -> Iterator[FakeMcpServer]:
    with FakeMcpServer(provider.is_valid) as running:
        yield running


@pytest.fixture
def environment() -> dict[str, str]:
    """The settings of a server that manages a gateway."""
    return _environment(free_port())


def _environment(port: int) -> dict[str, str]:
    binary = real_binary()
    if binary is None:
        pytest.skip("the real CLIs are not here: run `make toolchain`")
    return {
        "XO_PLUGINS": "runtime_openclaw",
        "XO_OPENCLAW_MANAGE": "1",
        "OPENCLAW_CLI_PATH": str(binary),
        "OPENCLAW_GATEWAY_URL": f"ws://127.0.0.1:{port}",
        "XO_PERMISSION_MODE": "bypass",
    }


@pytest.fixture(scope="module")
def managing(
    chat_model_port: int,
    provider: FakeOAuthServer,
    acme_mcp: FakeMcpServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[LiveServer]:
    """Run a server that manages a gateway, in a home without any OpenClaw."""
    port = free_port()
    values = _environment(port) | acme_environment(provider, acme_mcp.url)
    values["XO_PLUGINS"] = "runtime_openclaw,connector_acme"
    plugins = install_acme(tmp_path_factory.mktemp("plugins"))
    with LiveServer(environment=values, python_path=[plugins]) as server:
        eventually(lambda: _config(server).exists(), START_SECONDS, "a configuration is made")
        _add_model(server, config(port, chat_model_port))
        yield server


@pytest.fixture
def chat(managing: LiveServer) -> Chat:
    """Talk to the server once its gateway is ready."""
    if not managing.running:
        managing.start()
    return _when_ready(managing)


def _config(server: LiveServer) -> Path:
    return server.home / ".openclaw" / "openclaw.json"


def _add_model(server: LiveServer, whole: dict[str, object]) -> None:
    """Add what a person would: a model. The rest stays as the server wrote it."""
    _when_ready(server)
    written = json.loads(_config(server).read_text())
    more = {name: whole[name] for name in ("models", "agents")}
    _config(server).write_text(json.dumps(written | more))
    eventually(
        lambda: MODEL in server.client.get("/api/models").text, RELOAD_SECONDS, "the model is known"
    )


def _when_ready(server: LiveServer) -> Chat:
    def ready() -> bool:
        return server.client.get("/health").json()["runtimes"]["openclaw"]["state"] == "ready"

    eventually(ready, START_SECONDS, "the gateway is ready")
    return Chat(server, "openclaw")


def _gateway(server: LiveServer) -> ProcessInfo:
    [found] = _gateways(server)
    return found


def _gateways(server: LiveServer) -> list[ProcessInfo]:
    # one may have left the server an orphan of its own, to be reaped
    own = [child for child in server.descendants() if child.parent_pid == server.pid]
    return [child for child in own if "gateway" in child.command]


def test_one_that_a_killed_server_left_is_swept(environment: dict[str, str]) -> None:
    # it is killed while it starts: the rest of a start would cost 10 s of CPU
    with LiveServer(environment=environment) as server:
        eventually(lambda: _gateways(server) != [], START_SECONDS, "the gateway starts")
        (left,) = _gateways(server)
        family = server.descendants()
        server.kill()
        assert left.is_alive
        server.start()
        assert not [process.command for process in family if process.is_alive]
        eventually(lambda: _gateways(server) != [], START_SECONDS, "another gateway starts")


def test_it_is_started_for_this_server_alone_and_takes_turns(chat: Chat) -> None:
    server = chat.server
    token = server.state / "plugins" / "runtime_openclaw" / "gateway-token"
    for file in (token, _config(server)):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(_config(server).read_text())["gateway"]["bind"] == "loopback"
    turn = chat.run_turn(say("Managed."), seconds=TURN_SECONDS)
    assert turn.text == "Managed.", turn.terminal
    for text in (_config(server).read_text(), server.log, server.client.get("/health").text):
        assert token.read_text() not in text


def test_an_agent_calls_a_tool_of_a_connector_without_its_token(
    chat: Chat, provider: FakeOAuthServer, acme_mcp: FakeMcpServer
) -> None:
    server, connections = chat.server, Connections(chat.server, "acme")
    sign_in(connections, provider)
    first = chat.run_turn(_echo("one"), seconds=TURN_SECONDS)
    assert _answers(first) == ["echo: one"]
    provider.expire()
    second = chat.run_turn(_echo("two"), seconds=TURN_SECONDS, session_id=first.session_id)
    assert _answers(second) == ["echo: two"]
    assert len(provider.requests("token", grant_type="refresh_token")) == 1
    tokens = {call.headers["authorization"][7:] for call in acme_mcp.calls_of("tools/call")}
    environment = Path(f"/proc/{_gateway(server).pid}/environ").read_bytes()
    (run_token,) = re.findall(rb"XO_MCP_TOKEN=([^\0]+)", environment)
    files = [file for file in (server.home / ".openclaw").rglob("*") if file.is_file()]
    for secret in [*(token.encode() for token in tokens), run_token]:
        assert not [file for file in files if secret in _content_of(file)]
        assert secret.decode() not in server.log
    assert not [token for token in tokens if token.encode() in environment]
    # between turns it opens nothing
    headers = {"Authorization": f"Bearer {run_token.decode()}"}
    assert server.client.post("/mcp/acme", json={}, headers=headers).status_code == 403


def test_a_project_without_connectors_gets_none_of_them(
    chat: Chat, provider: FakeOAuthServer, acme_mcp: FakeMcpServer
) -> None:
    off = Chat(chat.server, "openclaw", project="off")
    sign_in(Connections(chat.server, "acme"), provider)
    chat.http.patch("/api/xo-projects/off/connectors", json={"mcp": False})
    acme_mcp.clear()
    turn = off.run_turn(_echo("none"), seconds=TURN_SECONDS)
    assert turn.terminal.event == "done", turn.terminal.data
    assert not _answers(turn)
    assert not acme_mcp.calls


def _echo(text: str) -> str:
    # OpenClaw shows its model a few tools, one of which calls the others
    call = json.dumps({"id": "xo_acme__echo", "args": {"text": text}})
    return f"[[tool tool_call {call}]] [[text done]]"


def _answers(turn: Recording) -> list[str]:
    # OpenClaw repeats an answer in a structured part
    return sorted(set(re.findall(r"echo: \w+", json.dumps(turn.bodies("tool-result")))))


def test_a_killed_one_ends_its_turns_and_is_started_again(chat: Chat) -> None:
    killed = _gateway(chat.server)
    in_text = chat.prompt(SLOW)
    in_tool = chat.prompt(f"{tool('exec', command='sleep 600')} {say('no')}")
    turns = (in_text, in_tool)
    with chat.stream(in_text.stream_id) as text, chat.stream(in_tool.stream_id) as call:
        call.wait_for("tool-call", TURN_SECONDS)
        text.wait_for("text-delta", TURN_SECONDS)
        os.kill(killed.pid, signal.SIGKILL)
        for turn, stream in ((in_text, text), (in_tool, call)):
            ended = Recording(turn.stream_id, turn.session_id, stream.rest(TURN_SECONDS))
            assert ended.terminal is ended.frames[-1]
            assert ended.terminal.data["code"] == "crashed"
            assert "went away" in str(ended.terminal.data["error_message"])
    for turn in turns:
        refused = chat.send(say("Anybody?"), session_id=turn.session_id)
        assert refused.status_code == 503
        assert refused.headers["Retry-After"]
    _when_ready(chat.server)
    assert _gateway(chat.server) != killed
    for turn in turns:
        after = chat.run_turn(say("After."), seconds=TURN_SECONDS, session_id=turn.session_id)
        assert after.text == "After.", after.terminal
        texts = [str(message["text"]) for message in chat.messages(turn.session_id)]
        # the gateway does not resume a turn that was reported as failed
        assert not any("[System]" in text for text in texts)


def test_one_with_old_keys_is_replaced_before_the_next_turn(chat: Chat) -> None:
    session_id = chat.run_turn(say("Before."), seconds=TURN_SECONDS).session_id
    old = _gateway(chat.server)
    path, body = "/api/secrets/OTHER_KEY?agent_name=openclaw", {"value": "changed-key"}
    assert chat.http.patch(path, json=body).status_code == 200
    refused = chat.send(say("With the old key?"))
    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    _when_ready(chat.server)
    new = _gateway(chat.server)
    assert (new != old, old.is_alive) == (True, False)
    assert b"OTHER_KEY=changed-key\0" in Path(f"/proc/{new.pid}/environ").read_bytes()
    after = chat.run_turn(say("After."), seconds=TURN_SECONDS, session_id=session_id)
    assert after.text == "After."


def test_it_ends_with_the_server(chat: Chat) -> None:
    server = chat.server
    assert _gateway(server).is_alive
    assert server.terminate() == 0
    assert not [process.command for process in server.seen_processes if process.is_alive]


def _content_of(file: Path) -> bytes:
    """Return a file's content; nothing when the gateway has removed it in the meantime."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""
