"""git of the real Codex, whose one process runs the turns of several sessions."""

from collections.abc import Iterator, Mapping

import pytest
from starlette.applications import Starlette

from tests.fakes.codex_cli.codex_prompts import (
    ABSENT,
    command,
    real_codex,
    responses_api,
)
from tests.fakes.codex_cli.codex_prompts import environment as codex_environment
from tests.fakes.github import FakeGitHub
from tests.fakes.loopback_network import LoopbackNetwork
from xo_cowork_core.sdk.testing import Chat, Connections, LiveServer

pytestmark = pytest.mark.real
REPOSITORY = "octo-test/hello"
# Codex refuses `rm -rf`
PUSH = f"""\
cd $(mktemp -d) && git init --quiet --initial-branch main &&
git -c user.name=Octo -c user.email=octo@example.test commit --quiet --allow-empty -m codex &&
git push --quiet https://github.com/{REPOSITORY}.git HEAD:main --force; env
"""
ALLOWED = {"file_changes": True, "run_commands": True}


@pytest.fixture(scope="module")
def network(github: FakeGitHub) -> Iterator[LoopbackNetwork]:
    # Codex asks its maker for news by itself
    with LoopbackNetwork({**github.hosts, "chatgpt.com": Starlette()}) as running:
        yield running


@pytest.fixture(scope="module")
def environment(
    network: LoopbackNetwork, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, str]]:
    binary = real_codex()
    if binary is None:
        pytest.skip(ABSENT)
    with responses_api() as port:
        yield {
            **network.environment,
            **codex_environment(binary, port, tmp_path_factory.mktemp("codex")),
            "XO_PLUGINS": "connector_github,runtime_codex",
            "XO_PERMISSION_MODE": "bypass",
        }


def test_codex_pushes_in_two_sessions_of_one_process_and_has_the_token_nowhere(
    server: LiveServer, connections: Connections, github: FakeGitHub
) -> None:
    token = github.create_token()
    answer = connections.http.post("/api/connectors/github/token", json={"token": token})
    assert answer.status_code == 200, answer.text
    github.git.create_repository(REPOSITORY)
    chat = Chat(server, "codex")
    for _ in range(2):
        github.git.requests.clear()
        turn = chat.run_turn(f"{command(PUSH)} [[text ok]]", permission_presets=ALLOWED)
        results = str([frame.data for frame in turn.frames])
        assert token not in results
        assert github.git.log(REPOSITORY) == ["codex"], results
        assert github.git.requests[-1].token == token
    servers = [p for p in server.descendants() if "app-server" in p.command]
    assert len({process.pid for process in servers}) == 1
    assert not any(token in process.command for process in server.seen_processes)
