"""The real Claude Code and Codex call a tool of a connector's MCP server, without its token."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.fakes.claude_cli import claude_prompts
from tests.fakes.codex_cli import codex_prompts
from tests.fakes.mcp_server.server import FakeMcpServer
from tests.support.mcp_turns import acme_environment, install_acme, sign_in
from xo_cowork_core.sdk.testing import Chat, Connections, FakeOAuthServer, LiveServer
from xo_cowork_core.sdk.testing.recording import Recording

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]
# how the model of each agent names a tool of the server `xo_acme`
TOOLS = {"claude_code": "mcp__xo_acme__{}", "codex": "mcp__xo_acme.{}"}


class Acme(NamedTuple):
    """The service, and the server whose agents use it."""

    provider: FakeOAuthServer
    mcp: FakeMcpServer
    server: LiveServer
    connections: Connections
    folders: Sequence[Path]


@pytest.fixture(scope="module")
def service(real_claude: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Acme]:
    codex = codex_prompts.real_codex()
    if codex is None:
        pytest.skip(codex_prompts.ABSENT)
    folders = [tmp_path_factory.mktemp(name) for name in ("claude", "codex")]
    with ExitStack() as stack:
        provider = stack.enter_context(FakeOAuthServer())
        mcp = stack.enter_context(FakeMcpServer(provider.is_valid))
        messages = stack.enter_context(claude_prompts.model_api())
        responses = stack.enter_context(codex_prompts.responses_api())
        environment = {
            "XO_PLUGINS": "connector_acme,runtime_claude,runtime_codex",
            "XO_PERMISSION_MODE": "ask",
            **acme_environment(provider, mcp.url),
            **claude_prompts.environment(real_claude, messages, folders[0]),
            **codex_prompts.environment(codex, responses, folders[1]),
        }
        plugins = install_acme(tmp_path_factory.mktemp("plugins"))
        server = stack.enter_context(LiveServer(environment=environment, python_path=[plugins]))
        yield Acme(provider, mcp, server, Connections(server, "acme"), folders)


@pytest.fixture
def acme(service: Acme) -> Acme:
    """The service, with a new sign-in."""
    service.connections.disconnect()
    service.mcp.clear()
    service.provider.clear()
    sign_in(service.connections, service.provider)
    return service


@pytest.fixture(params=list(TOOLS))
def chat(request: pytest.FixtureRequest, acme: Acme) -> Chat:
    return Chat(acme.server, request.param)


def test_an_agent_calls_a_tool_and_never_has_the_token(acme: Acme, chat: Chat) -> None:
    turn = _call_tool(chat, "hello")
    assert turn.terminal.event == "done", turn.terminal.data
    assert turn.text.strip() == "called"
    assert _outputs(turn) == ["echo: hello"]
    (token,) = {call.headers["authorization"].removeprefix("Bearer ") for call in acme.mcp.calls}
    run_tokens = _run_tokens(acme.server)
    # Codex gets its token over its protocol
    if chat.agent_name == "claude_code":
        assert run_tokens
    processes = [Path(f"/proc/{process.pid}") for process in acme.server.descendants()]
    assert processes
    for process in processes:
        assert token.encode() not in (process / "environ").read_bytes()
        for secret in (token, *run_tokens):
            assert secret.encode() not in (process / "cmdline").read_bytes()
    assert not [secret for secret in (token, *run_tokens) if secret in acme.server.log]
    stored = acme.server.state / "connectors" / "tokens" / "acme.json"
    assert _files_with(token, acme.folders, acme.server) == [stored]
    for secret in run_tokens:
        assert _files_with(secret, acme.folders, acme.server) == []


def test_an_agent_does_not_notice_that_the_token_expires(acme: Acme, chat: Chat) -> None:
    first = _call_tool(chat, "one")
    acme.provider.expire()
    second = _call_tool(chat, "two", first)
    assert _outputs(first) == ["echo: one"]
    assert _outputs(second) == ["echo: two"]
    assert len(acme.provider.requests("token", grant_type="refresh_token")) == 1


def test_a_session_gains_and_loses_the_server_with_the_projects_switch(
    acme: Acme, chat: Chat
) -> None:
    path = f"/api/xo-projects/{chat.folder.name}/connectors"
    first = _call_tool(chat, "one")
    try:
        acme.server.client.patch(path, json={"mcp": False})
        acme.mcp.clear()
        second = chat.run_turn(_calls(chat, "two"), session_id=first.session_id)
        assert second.terminal.event == "done"
        assert not acme.mcp.calls
    finally:
        acme.server.client.patch(path, json={"mcp": True})
    third = _call_tool(chat, "three", first)
    assert _outputs(third) == ["echo: three"]


def test_an_agent_is_told_that_a_person_has_to_sign_in(acme: Acme, chat: Chat) -> None:
    first = _call_tool(chat, "one")
    acme.provider.revoke_all()
    second = _call_tool(chat, "two", first)
    assert second.terminal.event == "done", second.terminal.data
    answers = json.dumps([*second.bodies("tool-result"), *second.bodies("tool-error")])
    assert "Sign in to Acme in the workspace's settings" in answers


def test_an_agent_works_while_the_service_is_down(acme: Acme, chat: Chat) -> None:
    acme.mcp.close()
    try:
        turn = chat.run_turn("[[text without it]]")
    finally:
        acme.mcp.start()
    assert turn.terminal.event == "done", turn.terminal.data
    assert turn.text.strip() == "without it"


def test_a_person_is_asked_before_an_agent_calls_a_tool(acme: Acme, chat: Chat) -> None:
    turn = _call_tool(chat, "asked")
    request = turn.body("permission-request")
    assert request["permission"] == "other"
    assert "xo_acme" in str(request["tool"])
    assert _outputs(turn) == ["echo: asked"]


def _call_tool(chat: Chat, text: str, before: Recording | None = None) -> Recording:
    """Let an agent call the tool, in a session if given, and allow it to."""
    fields = {"session_id": before.session_id} if before else {}
    allowed = {"allow": True}
    return chat.run_and_answer(_calls(chat, text), "permission-request", allowed, **fields)


def _calls(chat: Chat, text: str) -> str:
    tool = TOOLS[chat.agent_name].format("echo")
    return f"[[tool {tool} {json.dumps({'text': text})}]] [[text called]]"


def _outputs(turn: Recording) -> list[str]:
    results = turn.bodies("tool-result")
    assert results, [frame.event for frame in turn.frames]
    return [_text_in(str(body["output"])) for body in results]


def _text_in(output: str) -> str:
    start = output.find("echo: ")
    return output[start:].split('"', maxsplit=1)[0].strip() if start >= 0 else output


def _run_tokens(server: LiveServer) -> set[str]:
    tokens: set[str] = set()
    for process in server.descendants():
        entries = Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
        pairs = (entry.decode(errors="replace").partition("=") for entry in entries)
        tokens |= {value for name, _, value in pairs if name.startswith("XO_MCP_TOKEN_")}
    return tokens


def _files_with(secret: str, folders: Sequence[Path], server: LiveServer) -> list[Path]:
    files = [
        path
        for folder in (*folders, server.home)
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    ]
    return [path for path in files if secret.encode() in path.read_bytes()]
