"""Without an app-server each turn is a process of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.codex_cli.codex_prompts import (
    ABSENT,
    FAKE_CLI,
    command,
    environment,
    patch,
    real_codex,
    responses_api,
    sleeping,
    text,
)
from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually

WRAPPER = '#!/bin/sh\n[ "$1" = app-server ] && exit 2\nexec {} "$@"\n'
ALLOW = {"file_changes": True, "run_commands": True}


def wrapped(binary: Path, folder: Path) -> Path:
    """Create a Codex without an app-server."""
    wrapper = folder / "codex"
    wrapper.write_text(WRAPPER.format(binary))
    wrapper.chmod(0o755)
    return wrapper


@pytest.fixture(scope="module", params=["fake", pytest.param("real", marks=pytest.mark.real)])
def chat(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chat]:
    """A client of a server whose Codex has no app-server."""
    binary = FAKE_CLI if request.param == "fake" else real_codex()
    folder = tmp_path_factory.mktemp("codex")
    wrapper = wrapped(binary or pytest.skip(ABSENT), folder)
    with responses_api() as port:
        values = environment(wrapper, port, folder / "home")
        with LiveServer(environment={"XO_PLUGINS": "runtime_codex", **values}) as server:
            yield Chat(server, "codex")


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[Chat]:
    """Talk to a server with little patience, and no model."""
    wrapper = wrapped(real_codex() or pytest.skip(ABSENT), tmp_path)
    with responses_api() as free:
        pass
    values = environment(wrapper, free, tmp_path / "home") | {"CODEX_RETRY_SECONDS": "2"}
    with LiveServer(environment={"XO_PLUGINS": "runtime_codex", **values}) as server:
        yield Chat(server, "codex")


def test_a_turn_runs_and_the_next_one_too(chat: Chat) -> None:
    turn = chat.run_turn(text("All at once."))
    assert turn.terminal.event == "done"
    assert turn.text == "All at once."
    again = chat.run_turn(text("And again."), session_id=turn.session_id)
    assert again.text == "And again."
    answers = [m["text"] for m in chat.messages(turn.session_id) if m["role"] == "assistant"]
    assert answers == ["All at once.", "And again."]


def test_an_allowed_tool_runs(chat: Chat) -> None:
    prompt = f"{patch('made.txt', 'x')} [[text made]]"
    turn = chat.run_turn(prompt, permission_presets=ALLOW)
    assert turn.events.count("tool-call") == turn.events.count("tool-result") == 1
    assert turn.text == "made"
    assert (chat.folder / "made.txt").read_text() == "x\n"


def test_an_error_is_reported(chat: Chat) -> None:
    turn = chat.run_turn("[[error 401]]")
    assert turn.terminal.event == "agent-error"
    assert turn.terminal.data["code"] == "auth"


def test_an_abort_leaves_nothing_running(chat: Chat) -> None:
    turn = chat.prompt(f"{command(sleeping(60))} [[text no]]", permission_presets=ALLOW)
    with chat.stream(turn.stream_id) as stream:
        stream.wait_for("tool-call")
        chat.abort(turn.stream_id)
        assert stream.rest()[-1].data["finish_reason"] == "aborted"

    def programs() -> list[str]:
        return [each.command for each in chat.server.descendants() if "codex" in each.command]

    eventually(lambda: programs() == [], 15, "no program is left")


@pytest.mark.real
def test_a_model_that_is_not_there_fails_within_the_limit(hasty: Chat) -> None:
    turn = hasty.run_turn(text("Hello?"), seconds=20)
    assert turn.terminal.event == "agent-error"
    assert turn.terminal.data["code"] == "network"
    assert "not reached within 2 s" in turn.terminal.data["error_message"]
