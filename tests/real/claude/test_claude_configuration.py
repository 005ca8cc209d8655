"""Claude Code's own configuration, as the real program writes it."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.answers import get_json
from xo_cowork_core.sdk.testing import LiveServer

pytestmark = pytest.mark.real
SECRET = "planted-claude-secret-91f2"


@pytest.fixture
def server(real_claude: Path) -> Iterator[LiveServer]:
    environment = {"XO_PLUGINS": "runtime_claude", "CLAUDE_CLI_PATH": str(real_claude)}
    with LiveServer(environment=environment) as running:
        yield running


def add_server(server: LiveServer, claude: Path, folder: Path, *arguments: str) -> None:
    """Add an MCP server with the program's own command."""
    subprocess.run(
        [str(claude), "mcp", "add", *arguments],
        cwd=folder,
        env=server.variables(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=True,
    )


def test_servers_that_the_program_added_are_listed(server: LiveServer, real_claude: Path) -> None:
    project = server.projects / "mine"
    project.mkdir()
    add_server(server, real_claude, project, "-s", "user", "own", "--", "node", "--token", SECRET)
    add_server(server, real_claude, project, "private", "-e", f"KEY={SECRET}", "--", "node")
    web = ("-t", "http", "shared", "https://example.com/mcp", "-H", f"Authorization: {SECRET}")
    add_server(server, real_claude, project, "-s", "project", *web)
    answer = server.client.get("/api/mcp/status", params={"workspace": "mine"})
    assert SECRET not in answer.text
    rows = {row["name"]: (row["transport"], row["scope"]) for row in answer.json()}
    assert rows == {
        "own": ("stdio", "user"),
        "private": ("stdio", "project"),
        "shared": ("http", "project"),
    }
    # elsewhere there are the user's alone
    assert [row["name"] for row in get_json(server, "/api/mcp/status")] == ["own"]


def test_settings_are_shown_masked_and_a_damaged_file_is_an_error(server: LiveServer) -> None:
    url = "/api/config/agents/claude_code"
    assert get_json(server, url) == {}
    file = server.home / ".claude" / "settings.json"
    # the program makes it when its version is read
    file.parent.mkdir(exist_ok=True)
    settings = {"model": "opus", "env": {"ANTHROPIC_AUTH_TOKEN": SECRET}}
    file.write_text(json.dumps(settings))
    for name in ("claude_code", "claude"):
        shown = get_json(server, f"/api/config/agents/{name}")
        assert shown == {"model": "opus", "env": {"ANTHROPIC_AUTH_TOKEN": "••••91f2"}}
    file.write_text("{")
    answer = server.client.get(url)
    assert (answer.status_code, str(server.home) in answer.text) == (503, False)
