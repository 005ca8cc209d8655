"""Codex's own configuration, as the real program writes it."""

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.codex_cli.codex_prompts import ABSENT, real_codex
from tests.support.answers import get_json
from xo_cowork_core.sdk.testing import LiveServer

pytestmark = pytest.mark.real
SECRET = "planted-codex-secret-5b77"


@pytest.fixture
def server() -> Iterator[LiveServer]:
    binary = real_codex()
    if binary is None:
        pytest.skip(ABSENT)
    environment = {"XO_PLUGINS": "runtime_codex", "CODEX_CLI_PATH": str(binary)}
    with LiveServer(environment=environment) as running:
        yield running


def run_codex(server: LiveServer, *arguments: str, text: str = "") -> None:
    """Run a command of the program."""
    binary: Path | None = real_codex()
    subprocess.run(
        [str(binary), *arguments],
        cwd=server.home,
        env=server.variables(),
        input=text,
        text=True,
        capture_output=True,
        timeout=60,
        check=True,
    )


def test_what_the_program_wrote_is_shown_masked(server: LiveServer) -> None:
    assert get_json(server, "/api/config/agents/codex") == {}
    run_codex(server, "mcp", "add", "own", "--env", f"API_KEY={SECRET}", "--", "node", "x.js")
    run_codex(server, "mcp", "add", "web", "--url", "http://127.0.0.1:9/mcp")
    shown = get_json(server, "/api/config/agents/codex")
    assert shown["mcp_servers"]["own"]["env"] == {"API_KEY": "••••5b77"}
    assert shown["mcp_servers"]["web"] == {"url": "http://127.0.0.1:9/mcp"}
    rows = {row["name"]: row["transport"] for row in get_json(server, "/api/mcp/status")}
    assert rows == {"own": "stdio", "web": "http"}


def test_a_key_that_was_entered_is_no_subscription(server: LiveServer) -> None:
    run_codex(server, "login", "--with-api-key", text=SECRET)
    assert get_json(server, "/api/config/openai-subscription")["has_subscription"] is False
    assert get_json(server, "/api/codex/status")["authenticated"] is True


def test_a_subscription_has_a_plan_and_no_token(server: LiveServer) -> None:
    scope = {"https://api.openai.com/auth": {"chatgpt_plan_type": "plus"}, "email": "ada@x.example"}
    body = base64.urlsafe_b64encode(json.dumps(scope).encode()).decode().rstrip("=")
    tokens = {"id_token": f"e30.{body}.s", "access_token": f"e30.{body}.{SECRET}"}
    folder = server.home / ".codex"
    folder.mkdir()
    (folder / "auth.json").write_text(json.dumps({"auth_mode": "chatgpt", "tokens": tokens}))
    answer = server.client.get("/api/config/openai-subscription")
    assert SECRET not in answer.text
    assert answer.json() == {
        "has_subscription": True,
        "is_connected": True,
        "plan": "plus",
        "email": "ada@x.example",
    }


def test_a_damaged_configuration_is_an_error_without_a_path(server: LiveServer) -> None:
    folder = server.home / ".codex"
    folder.mkdir()
    (folder / "config.toml").write_text("model = [")
    answer = server.client.get("/api/config/agents/codex")
    assert (answer.status_code, str(server.home) in answer.text) == (503, False)
    assert get_json(server, "/api/mcp/status") == []
