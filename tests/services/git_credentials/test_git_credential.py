"""What a connector says that git sends, checked where it enters the core, and who gets it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from tests.support.connectors.engine import CONNECTOR, ConnectorEngine, UserinfoConnector
from tests.support.turn_engine import in_event_loop
from xo_cowork_core.sdk import NotFound, RuntimeInfo, Turn, Unauthorized, UpstreamFailed
from xo_cowork_core.sdk.connector import ApiKey, GitCredential, ProvidesGitCredentials, TokenSet
from xo_cowork_core.services.connectors.connector_calls import git_credential
from xo_cowork_core.services.connectors.project_access import ProjectAccessStore
from xo_cowork_core.services.git_credentials.git_credentials import GitCredentials
from xo_cowork_core.services.git_credentials.helper_program import TOKEN_VARIABLE
from xo_cowork_core.services.run_tokens import RunTokens
from xo_cowork_core.services.runtimes.registry import PluginRecord, RegisteredConnector

TOKENS = TokenSet(SecretStr("token-0123456789"))


class Forge(UserinfoConnector, ProvidesGitCredentials):
    """A connector that returns what the test wants."""

    def __init__(self, credential: Any) -> None:
        super().__init__(None, [ApiKey()])
        self._credential = credential

    def git_hosts(self) -> list[str]:
        return ["git.acme.test"]

    def git_credential(self, tokens: TokenSet) -> GitCredential:
        return self._credential


def registered(credential: Any) -> RegisteredConnector:
    connector = Forge(credential)
    record = PluginRecord("connector_forge", state="ready")
    return RegisteredConnector(connector.describe(), connector, record)


def test_a_credential_is_passed_on() -> None:
    credential = GitCredential("octo", TOKENS.access_token)
    assert git_credential(registered(credential), TOKENS) == credential


@pytest.mark.parametrize(
    "credential",
    [
        None,
        "octo:token",
        SimpleNamespace(username="octo", password="x"),
        GitCredential(5, SecretStr("x")),  # type: ignore[arg-type]
        GitCredential("octo", "x"),  # type: ignore[arg-type]
        GitCredential("octo\npassword=other", SecretStr("x")),
        GitCredential("octo", SecretStr("x\nurl=https://evil.test")),
        GitCredential("octo", SecretStr("x\0")),
    ],
)
def test_another_value_is_a_fault_of_the_plugin(credential: Any) -> None:
    connector = registered(credential)
    with pytest.raises(UpstreamFailed):
        git_credential(connector, TOKENS)
    assert any("git_credential()" in str(fault) for fault in connector.plugin.faults)


@in_event_loop
async def test_a_run_gets_the_credentials_of_its_own_scopes_alone(tmp_path: Path) -> None:
    async with ConnectorEngine(tmp_path, Forge(GitCredential("octo", SecretStr("x")))) as engine:
        await engine.start(input="key-1")
        git = credentials_of(engine)
        turn = Turn("stream-1", "session-1", "", tmp_path)
        token = git.tokens.issue(turn, "agent", [f"mcp:{CONNECTOR}"]).get_secret_value()
        with pytest.raises(NotFound):
            await git.find(token, "git.acme.test")
        git.open(turn, RuntimeInfo("agent", "Agent"))
        assert (await git.find(token, "git.acme.test")).username == "octo"
        with pytest.raises(NotFound):
            await git.find(token, "git.other.test")
        git.tokens.end("stream-1")
        with pytest.raises(Unauthorized):
            await git.find(token, "git.acme.test")


@in_event_loop
async def test_only_a_runtime_that_isolates_sessions_has_a_token_for_each(tmp_path: Path) -> None:
    async with ConnectorEngine(tmp_path, Forge(GitCredential("octo", SecretStr("x")))) as engine:
        await engine.start(input="key-1")
        git = credentials_of(engine)
        turns = [Turn(f"stream-{n}", f"session-{n}", "", tmp_path) for n in range(2)]
        for isolates, count in ((False, 1), (True, 2)):
            info = RuntimeInfo(f"agent-{count}", "Agent", isolates_sessions=isolates)
            entries = [git.open(turn, info) for turn in turns]
            assert len({each[TOKEN_VARIABLE] for each in entries}) == count


def credentials_of(engine: ConnectorEngine) -> GitCredentials:
    access, tokens = ProjectAccessStore(engine.folder / "p.json"), RunTokens(lambda _: None)
    url = "http://127.0.0.1:1"
    return GitCredentials(engine.registry, engine.connections, access, tokens, url)
