"""Where the real Codex leaves its key."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.codex_cli.codex_prompts import (
    ABSENT,
    command,
    environment,
    real_codex,
    responses_api,
    text,
)
from xo_cowork_core.sdk.testing import Chat, LiveServer

pytestmark = pytest.mark.real
KEY = "fake-key-that-no-file-may-hold"


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[Chat]:
    binary = real_codex()
    if binary is None:
        pytest.skip(ABSENT)
    with responses_api() as port:
        values = {"XO_PLUGINS": "runtime_codex", "XO_PERMISSION_MODE": "bypass"}
        values |= environment(binary, port, tmp_path / "codex") | {"OPENAI_API_KEY": KEY}
        with LiveServer(environment=values) as server:
            yield Chat(server, "codex")


def test_no_file_holds_the_key(chat: Chat, tmp_path: Path) -> None:
    first = chat.run_turn(text("hello"))
    assert first.text == "hello"
    ran = chat.run_turn(f"{command('echo done')} {text('ready')}", session_id=first.session_id)
    assert "done" in str(ran.bodies("tool-result"))
    files = [file for top in (tmp_path, chat.server.root) for file in top.rglob("*")]
    assert any(file.name.startswith("rollout-") for file in files)
    assert [file for file in files if file.is_file() and KEY.encode() in file.read_bytes()] == []


def test_a_changed_key_is_used_in_the_next_turn_of_a_warm_session(chat: Chat) -> None:
    path = "/api/secrets/OPENAI_API_KEY"
    first = chat.run_turn(text("one"))
    # the fake API refuses a key with this word
    assert chat.http.patch(path, json={"value": "fake-bad-key"}).status_code == 200
    refused = chat.run_turn(text("two"), session_id=first.session_id)
    assert refused.terminal.event == "agent-error"
    assert refused.terminal.data["code"] == "auth"
    assert chat.http.patch(path, json={"value": "fake-new-key"}).status_code == 200
    third = chat.run_turn(text("three"), session_id=first.session_id)
    assert third.text == "three"
    assert chat.http.delete(path).status_code == 200
    # the server's own environment has one, too
    assert chat.run_turn(text("four"), session_id=first.session_id).text == "four"
