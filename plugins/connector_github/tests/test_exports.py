"""The files that other programs read, and what an older server left in them."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.fakes.github import FakeGitHub
from xo_connector_github.exports import import_sections
from xo_cowork_core.sdk.connector import FileSection
from xo_cowork_core.sdk.testing import Connections, LiveServer, eventually

SHARED, OWN = "mcp-tokens.json", "github_token.json"
SECONDS = 30.0


def is_private(server: LiveServer, name: str) -> bool:
    return (server.state / name).stat().st_mode & 0o777 == 0o600


def content(server: LiveServer, name: str) -> dict[str, Any]:
    path = server.state / name
    if not path.exists():
        return {}
    assert is_private(server, name)
    return json.loads(path.read_text())


@pytest.fixture
def old_server(environment: Mapping[str, str]) -> Iterator[LiveServer]:
    """A server that was not started yet, whose state folder an older one has used."""
    server = LiveServer(environment=environment)
    server.state.mkdir(parents=True)
    try:
        yield server
    finally:
        server.close()


def write(server: LiveServer, name: str, value: Mapping[str, Any]) -> Path:
    path = server.state / name
    path.write_text(json.dumps(value))
    return path


def test_a_token_is_in_both_files_until_the_connection_ends(
    connections: Connections, github: FakeGitHub
) -> None:
    server, token = connections.server, github.create_token(["repo", "gist"])
    answer = connections.http.post("/api/connectors/github/token", json={"token": token})
    assert answer.status_code == 200, answer.text
    expected = {
        "access_token": token,
        "refresh_token": None,
        "expires_at": 0,
        "token_type": "Bearer",
        "scope": "repo gist",
        "auth_method": "pat",
    }
    eventually(lambda: content(server, OWN) == expected, SECONDS, f"{OWN} is written")
    eventually(lambda: content(server, SHARED).get("github") == expected, SECONDS, "and the other")
    connections.disconnect()
    eventually(lambda: "github" not in content(server, SHARED), SECONDS, "the member is removed")
    eventually(lambda: not content(server, OWN), SECONDS, f"{OWN} is removed")


def test_a_refreshed_token_replaces_the_old_one_in_the_files(
    connections: Connections, github: FakeGitHub
) -> None:
    server = connections.server
    github.store.lifetimes.access_seconds = 2
    try:
        flow = connections.connect(method="device_code")
        github.approve(str(flow["user_code"]))
        assert connections.wait(flow["flow_id"])["state"] == "completed"
        eventually(lambda: bool(content(server, OWN)), SECONDS, "the token is written")
        first = content(server, OWN)
        assert first["refresh_token"]
        assert first["expires_at"] > 0
        github.store.lifetimes.access_seconds = 3600
        eventually(
            lambda: content(server, OWN)["access_token"] != first["access_token"], SECONDS, "a new"
        )
        assert github.is_valid(content(server, OWN)["access_token"])
    finally:
        github.store.lifetimes.access_seconds = 3600


@pytest.mark.parametrize("file", [SHARED, OWN])
def test_a_token_of_an_older_server_is_taken_over(
    old_server: LiveServer, github: FakeGitHub, file: str
) -> None:
    token = github.create_token(["repo"])
    values = {"access_token": token, "refresh_token": None, "expires_at": 0, "auth_method": "pat"}
    stranger = {"other": {"api_key": "of somebody else"}}
    write(old_server, file, {**stranger, "github": values} if file == SHARED else values)
    old_server.start()
    connections = Connections(old_server, "github")
    eventually(lambda: bool(connections.status()["connected"]), SECONDS, "connected")
    status = connections.status(verify=True)
    assert (status["username"], status["scopes"]) == ("octo-test", ["repo"])
    assert status["auth_method"] == "pat"
    if file == SHARED:
        eventually(lambda: is_private(old_server, SHARED), SECONDS, "nobody else can read it")
        assert content(old_server, SHARED)["other"] == stranger["other"]


@pytest.mark.parametrize(
    "section",
    [
        FileSection(SHARED, "github", {}),
        FileSection(SHARED, "github", {"access_token": SecretStr("")}),
        FileSection(SHARED, "github", {"access_token": 5}),
        FileSection(SHARED, "github", {"refresh_token": SecretStr("x")}),
        FileSection(SHARED, "vercel", {"access_token": SecretStr("x")}),
        FileSection(SHARED, "", {"access_token": SecretStr("x")}),
        FileSection(OWN, "github", {"access_token": SecretStr("x")}),
    ],
)
def test_a_section_without_a_token_and_those_of_others_are_left_alone(
    section: FileSection,
) -> None:
    assert import_sections([section]) == []


def test_the_shared_file_counts_where_both_have_a_token() -> None:
    sections = [
        FileSection(OWN, "", {"access_token": SecretStr("own")}),
        FileSection(SHARED, "github", {"access_token": SecretStr("shared")}),
    ]
    (imported,) = import_sections(sections)
    assert imported.tokens.access_token == SecretStr("shared")


def test_odd_times_and_methods_of_an_older_server_are_no_faults(
    old_server: LiveServer, github: FakeGitHub
) -> None:
    token = github.create_token()
    values = {"access_token": token, "expires_at": 1e30, "scope": 7, "auth_method": "magic"}
    write(old_server, SHARED, {"github": values})
    old_server.start()
    connections = Connections(old_server, "github")
    eventually(lambda: bool(connections.status()["connected"]), SECONDS, "connected")
