"""`XO_OPENCLAW_MANAGE=1`: the server keeps a gateway of its own."""

import json
import os
import signal
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes.openclaw_gateway.openclaw_prompts import (
    fake_openclaw,
    first_refusal,
    free_port,
    say,
)
from xo_cowork_core.sdk.testing import Chat, LiveServer
from xo_cowork_core.sdk.testing.process_tree import eventually

UP_SECONDS = 45.0
HUNG_SECONDS = 120.0


@contextmanager
def managing(folder: Path, **more: str) -> Iterator[LiveServer]:
    """Run a server that manages the fake."""
    environment = {
        "XO_PLUGINS": "runtime_openclaw",
        "XO_OPENCLAW_MANAGE": "1",
        "OPENCLAW_CLI_PATH": str(fake_openclaw(folder)),
        "OPENCLAW_GATEWAY_URL": f"ws://127.0.0.1:{free_port()}",
        **more,
    }
    with LiveServer(environment=environment) as server:
        yield server


def state(server: LiveServer) -> str:
    return str(server.client.get("/health").json()["runtimes"]["openclaw"]["state"])


def until_ready(server: LiveServer) -> Chat:
    eventually(lambda: state(server) == "ready", UP_SECONDS, "the gateway is ready")
    return Chat(server, "openclaw")


def test_a_gateway_is_started_and_takes_turns(tmp_path: Path) -> None:
    with managing(tmp_path) as server:
        chat = until_ready(server)
        assert chat.run_turn(say("Managed.")).text == "Managed."


def test_the_host_does_not_wait_for_it(tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nsleep 600\n")
    slow.chmod(0o755)
    begun = time.monotonic()
    with managing(tmp_path, OPENCLAW_CLI_PATH=str(slow)) as server:
        assert time.monotonic() - begun < 20
        assert state(server) == "starting"
        refused = Chat(server, "openclaw").send(say("Now?"))
        assert refused.status_code == 503
        assert refused.headers["Retry-After"]
        assert "starting" in refused.text


def test_only_the_owner_can_read_token_and_configuration(tmp_path: Path) -> None:
    with managing(tmp_path) as server:
        until_ready(server)
        config = server.home / ".openclaw" / "openclaw.json"
        token = server.state / "plugins" / "runtime_openclaw" / "gateway-token"
        for file in (config, token):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert json.loads(config.read_text())["gateway"]["bind"] == "loopback"
        secret = token.read_text()
        assert len(secret) >= 32
        assert secret not in config.read_text()
        assert secret not in server.log
        assert secret not in server.client.get("/health").text


def test_an_existing_configuration_stays(tmp_path: Path) -> None:
    port = free_port()
    with managing(tmp_path, OPENCLAW_GATEWAY_URL=f"ws://127.0.0.1:{port}") as server:
        until_ready(server)
        config = server.home / ".openclaw" / "openclaw.json"
        existing = json.loads(config.read_text()) | {"mine": True}
        server.terminate()
        config.write_text(json.dumps(existing))
        server.start()
        until_ready(server)
        assert json.loads(config.read_text()) == existing


def test_a_killed_gateway_is_started_again(tmp_path: Path) -> None:
    with managing(tmp_path) as server:
        chat = until_ready(server)
        session_id = chat.run_turn(say("Before.")).session_id
        turn = chat.prompt("[[text last words && die]]")
        refused = first_refusal(chat)
        assert refused.status_code == 503
        assert refused.headers["Retry-After"]
        assert chat.read(turn).terminal.data["code"] == "crashed"
        until_ready(server)
        assert chat.run_turn(say("After."), session_id=session_id).text == "After."


def test_a_gateway_with_old_keys_takes_no_turn_and_is_replaced(tmp_path: Path) -> None:
    with managing(tmp_path) as server:
        chat = until_ready(server)
        (old,) = server.descendants()
        running = chat.prompt("[[text n=50 delay=0.1 slow]]")
        body = {"value": "changed-key"}
        path = "/api/secrets/ANTHROPIC_API_KEY?agent_name=openclaw"
        assert server.client.patch(path, json=body).status_code == 200
        refused = chat.send(say("With the old key?"))
        assert refused.status_code == 503
        assert "keys" in refused.text
        assert refused.headers["Retry-After"]
        assert chat.read(running).terminal.data["finish_reason"] == "stop"
        eventually(lambda: _new_gateway(server, old.pid), UP_SECONDS, "another gateway is ready")
        (new,) = server.descendants()
        assert b"ANTHROPIC_API_KEY=changed-key\0" in Path(f"/proc/{new.pid}/environ").read_bytes()
        assert chat.run_turn(say("With the new one.")).text == "With the new one."
        assert "changed-key" not in server.log


def _new_gateway(server: LiveServer, old_pid: int) -> bool:
    is_ready = state(server) == "ready"
    return is_ready and [child.pid for child in server.descendants()] != [old_pid]


@pytest.mark.timeout(300)
def test_a_gateway_that_hangs_is_ended_and_started_again(tmp_path: Path) -> None:
    with managing(tmp_path) as server:
        chat = until_ready(server)
        (hung,) = server.descendants()
        os.kill(hung.pid, signal.SIGSTOP)
        eventually(
            lambda: hung not in server.descendants(), HUNG_SECONDS, "the hung gateway has ended"
        )
        until_ready(server)
        assert chat.run_turn(say("Back.")).text == "Back."


def test_it_ends_with_the_server(tmp_path: Path) -> None:
    with managing(tmp_path) as server:
        until_ready(server)
        assert [child for child in server.descendants() if "gateway" in child.command]
        server.terminate()
        eventually(
            lambda: not any(child.is_alive for child in server.seen_processes),
            15,
            "nothing is left",
        )


def test_a_gateway_that_refuses_its_configuration_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho 'gateway.port: expected a number' >&2\nexit 78\n")
    broken.chmod(0o755)
    with managing(tmp_path, OPENCLAW_CLI_PATH=str(broken)) as server:
        eventually(lambda: state(server) == "failed", UP_SECONDS, "health reports the failure")
        detail = server.client.get("/health").json()["runtimes"]["openclaw"]["detail"]
        assert "expected a number" in detail


def test_a_running_gateway_is_used_and_left_alone(tmp_path: Path) -> None:
    with managing(tmp_path) as first:
        until_ready(first)
        shared = {
            "OPENCLAW_GATEWAY_URL": str(first.variables()["OPENCLAW_GATEWAY_URL"]),
            "OPENCLAW_GATEWAY_TOKEN": (
                first.state / "plugins" / "runtime_openclaw" / "gateway-token"
            ).read_text(),
        }
        with managing(tmp_path, **shared) as second:
            chat = until_ready(second)
            assert chat.run_turn(say("Shared.")).text == "Shared."
            assert not second.descendants()
        assert until_ready(first).run_turn(say("Still up.")).text == "Still up."
