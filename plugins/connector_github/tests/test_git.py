"""git of agents: real `git push` from the tool shell of Claude Code, the real one and the fake."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.claude_cli.claude_prompts import FAKE_CLI, model_api, tool
from tests.fakes.claude_cli.claude_prompts import environment as claude_environment
from tests.fakes.github import FakeGitHub
from tests.fakes.loopback_network import LoopbackNetwork
from tests.support.stored_files import read_files
from xo_cowork_core.sdk.testing import Chat, Connections, LiveServer, eventually

CLAUDE = Path(__file__).resolve().parents[3] / ".toolchain" / "bin" / "claude"
REPOSITORY = "octo-test/hello"
URL = f"https://github.com/{REPOSITORY}.git"
API_TOKEN = "token-of-the-api"
COMMIT = """
set -e
rm -rf work && git init --quiet --initial-branch main work && cd work
git config user.name Octo && git config user.email octo@example.test
git commit --quiet --allow-empty --message 'from the agent'
"""
PUSH = f"{COMMIT} git push --quiet {URL} HEAD:main --force"
SECONDS = 20.0


REAL = pytest.param("real", marks=pytest.mark.real)
WITH_BOTH = pytest.mark.parametrize("claude", ["fake", REAL], indirect=True)
# the fake has no MCP client
WITH_REAL = pytest.mark.parametrize("claude", [REAL], indirect=True)


@pytest.fixture(scope="module")
def claude(request: pytest.FixtureRequest) -> Path:
    """The fake, unless a test asks for both."""
    if getattr(request, "param", "fake") == "fake":
        return FAKE_CLI
    if not CLAUDE.exists():
        pytest.skip("the real CLIs are not here: run `make toolchain`")
    return CLAUDE.resolve()


@pytest.fixture(scope="module")
def environment(
    claude: Path, network: LoopbackNetwork, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, str]]:
    with model_api() as port:
        yield {
            **network.environment,
            **claude_environment(claude, port, tmp_path_factory.mktemp("claude")),
            "XO_PLUGINS": "connector_github,runtime_claude",
            "XO_PERMISSION_MODE": "bypass",
            "XO_API_TOKEN": API_TOKEN,
            "GITHUB_CLIENT_ID": "test-client",
        }


@pytest.fixture
def chat(server: LiveServer) -> Chat:
    return Chat(server, "claude_code")


@pytest.fixture
def token(connections: Connections, github: FakeGitHub) -> str:
    """The token of the connection."""
    token = github.create_token()
    answer = connections.http.post("/api/connectors/github/token", json={"token": token})
    assert answer.status_code == 200, answer.text
    github.git.create_repository(REPOSITORY)
    github.git.requests.clear()
    return token


def run(chat: Chat, command: str, **fields: Any) -> str:
    """Let the agent run a command in its tool shell; return what it printed."""
    turn = chat.run_turn(f"{tool('Bash', command=command)} [[text ok]]", **fields)
    outputs = [e for e in turn.frames if e.event in {"tool-result", "tool-error"}]
    assert len(outputs) == 1, turn.events
    return str(outputs[0].data.get("output"))


@contextmanager
def running_turn(chat: Chat) -> Iterator[dict[str, str]]:
    """Run a turn for the length of the block, and give the environment of its tool shell."""
    release = chat.folder / "released"
    release.unlink(missing_ok=True)
    waiting = "env -0 > environment.new; mv environment.new environment; "
    waiting += "while [ ! -e released ]; do sleep 0.1; done"
    file = chat.folder / "environment"
    file.unlink(missing_ok=True)
    turn = chat.prompt(f"{tool('Bash', command=waiting)} [[text ok]]")
    with chat.stream(turn.stream_id) as stream:
        eventually(file.exists, SECONDS, "the command runs")
        pairs = [line.split("=", 1) for line in file.read_text().split("\0") if "=" in line]
        try:
            yield dict(pairs)
        finally:
            release.touch()
            assert stream.rest()[-1].event == "done"


def fill(environment: Mapping[str, str], host: str) -> subprocess.CompletedProcess[str]:
    """Ask git for a host's credential, as it does before it sends one."""
    return subprocess.run(
        ["git", "credential", "fill"],
        env=dict(environment),
        input=f"protocol=https\nhost={host}\n\n",
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@WITH_BOTH
def test_an_agent_pushes_and_has_the_token_nowhere(
    chat: Chat, token: str, github: FakeGitHub, server: LiveServer
) -> None:
    output = run(chat, f"{PUSH}; env; cat /proc/$PPID/environ | tr '\\0' '\\n'")
    assert "GIT_CONFIG_COUNT=2" in output
    assert token not in output
    assert github.git.log(REPOSITORY) == ["from the agent"]
    assert github.git.requests[-1].token == token
    for process in server.seen_processes + server.descendants():
        assert token not in process.command
        assert token not in environment_of(process.pid)
    for path, content in read_files(server.home):
        is_store = server.state in path.parents
        assert is_store or token.encode() not in content, path
    assert token not in server.log


@WITH_BOTH
def test_a_fetch_and_a_second_turn_of_the_session_work_too(
    chat: Chat, token: str, github: FakeGitHub
) -> None:
    first = chat.run_turn(f"{tool('Bash', command=PUSH)} [[text ok]]")
    again = f"git clone --quiet {URL} copy && git -C copy log --format=%s && rm -rf copy"
    assert "from the agent" in run(chat, again, session_id=first.session_id)


def test_other_hosts_get_nothing_and_nothing_works_after_the_turn(chat: Chat, token: str) -> None:
    with running_turn(chat) as environment:
        assert f"password={token}" in fill(environment, "github.com").stdout
        for host in ("gitlab.com", "evil-github.com", "github.com:8443", "api.github.com"):
            assert "password" not in fill(environment, host).stdout, host
        helper = environment["GIT_CONFIG_VALUE_1"].removeprefix("!")
        github_line = "protocol=https\nhost=github.com\n"
        for operation, line in (
            ("get", "protocol=https\nhost=gitlab.com\n"),
            ("get", "protocol=http\nhost=github.com\n"),
            ("get", ""),
            # git tells how it went
            ("store", f"{github_line}username=x-access-token\npassword={token}\n"),
            ("erase", github_line),
        ):
            answer = subprocess.run(
                ["sh", "-c", f"{helper} {operation}"],
                env=environment,
                input=line,
                capture_output=True,
                text=True,
                check=True,
                timeout=SECONDS,
            )
            assert (answer.stdout, answer.stderr) == ("", "")
    after = fill(environment, "github.com")
    assert "password" not in after.stdout
    assert "The turn that this command belongs to is over." in after.stderr
    assert "terminal prompts disabled" in after.stderr


def test_the_token_of_a_session_does_not_work_while_only_another_one_runs(
    chat: Chat, token: str
) -> None:
    with running_turn(chat) as first:
        assert token in fill(first, "github.com").stdout
    with running_turn(chat) as second:
        assert token in fill(second, "github.com").stdout
        assert "password" not in fill(first, "github.com").stdout


def test_the_route_opens_for_the_token_of_a_running_turn_alone(
    chat: Chat, token: str, server: LiveServer
) -> None:
    body = {"protocol": "https", "host": "github.com"}

    def ask(bearer: str, sent: Mapping[str, str] = body) -> int:
        headers = {"Authorization": f"Bearer {bearer}"}
        return chat.http.post("/api/git/credential", json=sent, headers=headers).status_code

    with running_turn(chat) as environment:
        own = environment["XO_GIT_RUN"]
        assert ask(own) == 200
        assert ask(own, {**body, "host": "gitlab.com"}) == 404
        assert ask(own, {**body, "protocol": "http"}) == 400
        assert (ask(API_TOKEN), ask("none"), ask(own + "x")) == (401, 401, 401)
    assert ask(own) == 401


def test_a_project_without_the_connector_gets_no_credentials(
    token: str, server: LiveServer, github: FakeGitHub
) -> None:
    closed = Chat(server, "claude_code", project="closed-project")
    answer = closed.http.patch("/api/xo-projects/closed-project/connectors", json={"mcp": False})
    assert answer.status_code == 200, answer.text
    output = run(closed, f"env | grep GIT_CONFIG; export GIT_TERMINAL_PROMPT=0; {PUSH}")
    assert "GIT_CONFIG" not in output
    assert not any(request.token for request in github.git.requests)
    assert "could not read Username" in output


def test_without_a_sign_in_agents_get_nothing(chat: Chat, connections: Connections) -> None:
    assert "GIT_CONFIG" not in run(chat, "env")


def test_a_token_that_expires_during_a_turn_is_refreshed_for_git(
    chat: Chat, connections: Connections, github: FakeGitHub
) -> None:
    github.store.lifetimes.access_seconds = 3
    try:
        flow = connections.connect(method="device_code")
        github.approve(str(flow["user_code"]))
        assert connections.wait(flow["flow_id"])["state"] == "completed"
        with running_turn(chat) as environment:
            first = fill(environment, "github.com").stdout
            github.store.lifetimes.access_seconds = 3600
            github.expire("access")
            eventually(lambda: fill(environment, "github.com").stdout != first, SECONDS, "refresh")
            password = fill(environment, "github.com").stdout.split("password=")[1].split()[0]
            assert github.is_valid(password)
    finally:
        github.store.lifetimes.access_seconds = 3600


def test_a_connection_that_needs_a_sign_in_says_so_to_git(
    chat: Chat, connections: Connections, token: str, github: FakeGitHub
) -> None:
    with running_turn(chat) as environment:
        connections.disconnect()
        answer = fill(environment, "github.com")
        assert "password" not in answer.stdout
        assert "This workspace has no sign-in for github.com." in answer.stderr


def test_with_the_server_gone_the_helper_says_nothing_to_git(
    chat: Chat, token: str, server: LiveServer
) -> None:
    with running_turn(chat) as environment:
        helper_environment = {**environment}
    value = helper_environment["GIT_CONFIG_VALUE_1"].replace(server.base_url, "http://127.0.0.1:9")
    answer = fill({**helper_environment, "GIT_CONFIG_VALUE_1": value}, "github.com")
    assert "password" not in answer.stdout
    assert "The workspace's server does not answer" in answer.stderr


@WITH_REAL
def test_an_agent_calls_a_tool_of_github_with_the_token_of_the_connection(
    chat: Chat, token: str, github: FakeGitHub
) -> None:
    turn = chat.run_turn(f"{tool('mcp__xo_github__echo', text='hello')} [[text ok]]")
    assert "echo: hello" in str(turn.bodies("tool-result"))
    (call,) = github.mcp.calls_of("tools/call")
    assert call.headers["authorization"] == f"Bearer {token}"


def environment_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/environ").read_text(errors="replace")
    except OSError:  # it has ended
        return ""
