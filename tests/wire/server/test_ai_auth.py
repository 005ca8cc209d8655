"""`GET /debug/ai-auth`: whether credentials are set, and no more than the end of long ones."""

from collections.abc import Iterator

import pytest

from tests.support.answers import get_json
from xo_cowork_core.sdk.testing import LiveServer

LONG = "sk-ant-example-of-a-key-wxyz"
SHORT = "short-key-abcd"
SERVER_KEY = "key-of-the-settings-1234"


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    environment = {
        "XO_PLUGINS": "runtime_claude,runtime_codex",
        "CHAT_API_BASE_URL": "http://127.0.0.1:9",
        "XO_API_KEY": SERVER_KEY,
        "ANTHROPIC_API_KEY": LONG,
    }
    with LiveServer(environment=environment) as running:
        body = {"values": {"OPENAI_API_KEY": SHORT}}
        assert running.client.put("/api/secrets/schema/runtime_codex", json=body).status_code == 200
        yield running


@pytest.mark.parametrize("style", ["docs", "spa"])
def test_credentials_are_told_by_their_last_four_characters(server: LiveServer, style: str) -> None:
    answer = server.client.get("/debug/ai-auth", headers={"X-XO-Wire": style})
    body = answer.json()
    assert body["plugins"]["runtime_claude"]["ANTHROPIC_API_KEY"] == {
        "is_set": True,
        "hint": "…wxyz",
    }
    assert body["plugins"]["runtime_claude"]["ANTHROPIC_AUTH_TOKEN"]["is_set"] is False
    # four characters of a short value would be too much of it
    assert body["plugins"]["runtime_codex"]["OPENAI_API_KEY"] == {"is_set": True, "hint": ""}
    assert body["identity"] == {
        "is_configured": True,
        "authenticated": True,
        "token_source": "api_key",
        "api_key": {"is_set": True, "hint": "…1234"},
    }
    assert body["runtimes"]["claude_code"]["plugin"] == "runtime_claude"
    for secret in (LONG, SHORT, SERVER_KEY):
        assert secret not in answer.text
        assert secret[-5:] not in answer.text


def test_a_file_that_cannot_be_read_sets_nothing(server: LiveServer) -> None:
    file = server.state / "env"
    kept = file.read_bytes()
    file.unlink()
    file.mkdir()
    try:
        hints = get_json(server, "/debug/ai-auth")["plugins"]["runtime_codex"]
        assert hints["OPENAI_API_KEY"]["is_set"] is False
    finally:
        file.rmdir()
        file.write_bytes(kept)
