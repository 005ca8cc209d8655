"""The health check of Claude Code, and how many processes it starts."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fakes.claude_cli.claude_prompts import FAKE_CLI
from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually

KEYLESS = {"XO_PLUGINS": "runtime_claude"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Callable[..., LiveServer]]:
    """Start servers whose `claude` notes each time that it is run."""
    counted = tmp_path / "bin" / "claude"
    counted.parent.mkdir()
    counted.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/runs\nexec {FAKE_CLI} "$@"\n')
    counted.chmod(0o755)
    with ExitStack() as stack:

        def start(**more: str) -> LiveServer:
            environment = {**KEYLESS, "CLAUDE_CLI_PATH": str(counted), **more}
            return stack.enter_context(LiveServer(environment=environment))

        yield start


def health(server: LiveServer) -> dict[str, object]:
    """Ask until the first probe is over: on a busy machine it outlasts what `/health` waits."""

    def look() -> dict[str, object]:
        return server.client.get("/health").json()["runtimes"]["claude_code"]

    eventually(lambda: look()["state"] != "starting", 10, "the first look is over")
    return look()


def test_a_key_makes_it_ready(server: Callable[..., LiveServer]) -> None:
    found = health(server(ANTHROPIC_API_KEY="sk-ant-good"))
    assert (found["state"], found["version"]) == ("ready", "2.1.330")


def test_a_login_file_makes_it_ready(server: Callable[..., LiveServer], tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / ".credentials.json").write_text("{}")
    assert health(server(CLAUDE_CONFIG_DIR=str(config)))["state"] == "ready"


def test_without_key_or_login_it_needs_auth(server: Callable[..., LiveServer]) -> None:
    assert health(server())["state"] == "needs_auth"


def test_no_binary_is_missing(tmp_path: Path) -> None:
    environment = {**KEYLESS, "CLAUDE_CLI_PATH": str(tmp_path / "nowhere")}
    with LiveServer(environment=environment) as server:
        answer = health(server)
    assert answer["state"] == "missing"
    assert str(tmp_path / "nowhere") in answer["detail"]


def test_a_program_that_is_slow_to_answer_takes_turns(tmp_path: Path) -> None:
    slow = tmp_path / "claude"
    slow.write_text(f'#!/bin/sh\ncase "$1" in --version) sleep 20;; esac\nexec {FAKE_CLI} "$@"\n')
    slow.chmod(0o755)
    environment = {**KEYLESS, "CLAUDE_CLI_PATH": str(slow), "ANTHROPIC_API_KEY": "sk-ant-good"}
    with LiveServer(environment=environment) as server:
        assert Chat(server, "claude_code").run_turn("[[text a]]").text == "a"
        found = health(server)
    assert (found["state"], found["detail"]) == ("degraded", "Claude Code is slow to answer.")


def test_prompts_do_not_pay_for_health(server: Callable[..., LiveServer], tmp_path: Path) -> None:
    chat = Chat(server(ANTHROPIC_API_KEY="sk-ant-good"), "claude_code")
    first = chat.run_turn("[[text a]]")
    for _ in range(5):
        chat.run_turn("[[text b]]", session_id=first.session_id)
    runs = (tmp_path / "runs").read_text().splitlines()
    assert [run for run in runs if not run.startswith("-p")] == ["--version"]
    assert len([run for run in runs if run.startswith("-p")]) == 1
