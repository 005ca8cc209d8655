"""`XO_OPENCLAW_MANAGE=1` with the real gateway: made ready, started, watched, ended, swept.

One server for all: the gateway takes its time to start. Each test leaves it as it likes.
"""

import json
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.openclaw_gateway.openclaw_prompts import (
    MODEL,
    START_SECONDS,
    config,
    first_refusal,
    free_port,
    real_binary,
    say,
)
from xo_cowork_core.sdk.testing import Chat, LiveServer, ProcessInfo
from xo_cowork_core.sdk.testing.process_tree import eventually

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]
TURN_SECONDS = 60.0
RELOAD_SECONDS = 20.0


@pytest.fixture(scope="module")
def managing(chat_model_port: int) -> Iterator[LiveServer]:
    """Run a server that manages a gateway, in a home without any OpenClaw."""
    binary = real_binary()
    if binary is None:
        pytest.skip("the real CLIs are not here: run `make toolchain`")
    port = free_port()
    values = {
        "XO_PLUGINS": "runtime_openclaw",
        "XO_OPENCLAW_MANAGE": "1",
        "OPENCLAW_CLI_PATH": str(binary),
        "OPENCLAW_GATEWAY_URL": f"ws://127.0.0.1:{port}",
        "XO_PERMISSION_MODE": "bypass",
    }
    with LiveServer(environment=values) as server:
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
    # it may have left the server an orphan of its own, to be reaped
    own = [child for child in server.descendants() if child.parent_pid == server.pid]
    [found] = [child for child in own if "gateway" in child.command]
    return found


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


def test_a_killed_one_is_started_again(chat: Chat) -> None:
    session_id = chat.run_turn(say("Before."), seconds=TURN_SECONDS).session_id
    killed = _gateway(chat.server)
    os.kill(killed.pid, signal.SIGKILL)
    refused = first_refusal(chat)
    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    _when_ready(chat.server)
    assert _gateway(chat.server) != killed
    after = chat.run_turn(say("After."), seconds=TURN_SECONDS, session_id=session_id)
    assert after.text == "After."


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


def test_one_that_a_killed_server_left_is_swept(chat: Chat) -> None:
    server = chat.server
    left = _gateway(server)
    family = server.descendants()
    server.kill()
    assert left.is_alive
    server.start()
    assert not [process.command for process in family if process.is_alive]
    assert _when_ready(server).run_turn(say("Anew."), seconds=TURN_SECONDS).text == "Anew."


def test_it_ends_with_the_server(chat: Chat) -> None:
    server = chat.server
    assert _gateway(server).is_alive
    assert server.terminate() == 0
    assert not [process.command for process in server.seen_processes if process.is_alive]
