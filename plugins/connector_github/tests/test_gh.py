"""Sign-ins with the real gh, over the contract's routes and over the flows."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.fakes.github import FakeGitHub
from tests.fakes.loopback_network import LoopbackNetwork
from xo_cowork_core.sdk.testing import Connections, LiveServer, eventually
from xo_cowork_core.sdk.testing.process_tree import ProcessInfo

pytestmark = pytest.mark.real
OWN_SIGN_IN = "github.com:\n    oauth_token: own-token\n    user: somebody\n"


@pytest.fixture(scope="module")
def github(tmp_path_factory: pytest.TempPathFactory) -> FakeGitHub:
    return FakeGitHub(tmp_path_factory.mktemp("repositories"), expiring=False)


@pytest.fixture(scope="module")
def environment(network: LoopbackNetwork, real_gh: Path) -> Mapping[str, str]:
    """Without a client id, and with gh."""
    return {
        **network.environment,
        "XO_PLUGINS": "connector_github",
        "PATH": os.pathsep.join((str(real_gh.parent), "/usr/bin", "/bin")),
    }


@pytest.fixture
def own_sign_in(server: LiveServer) -> Path:
    """The sign-in that the person has in gh."""
    file = server.home / ".config" / "gh" / "hosts.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(OWN_SIGN_IN)
    return file


def test_a_person_signs_in_with_gh(
    connections: Connections, github: FakeGitHub, own_sign_in: Path
) -> None:
    http = connections.http
    started = http.post("/api/connectors/github/cli/start").json()
    assert started["verification_uri"] == "https://github.com/login/device"
    assert 0 < started["expires_in"] <= 900
    again = http.post("/api/connectors/github/cli/start").json()
    assert again["session_id"] == started["session_id"]
    assert poll(connections, started)["status"] == "pending"
    assert github.approve(started["user_code"]) == 1
    eventually(lambda: poll(connections, started)["status"] == "approved", 20, "approved")
    assert poll(connections, started)["status"] == "approved", "a lost answer loses the sign-in"
    status = connections.status(verify=True)
    assert (status["username"], status["auth_method"]) == ("octo-test", "cli")
    assert status["scopes"] == ["repo", "read:org", "gist", "workflow"]
    assert own_sign_in.read_text() == OWN_SIGN_IN
    eventually(lambda: not private_folders(connections.server), 15, "no private folder is left")


def test_a_cancelled_sign_in_ends_gh_and_its_folder(connections: Connections) -> None:
    started = connections.http.post("/api/connectors/github/cli/start").json()
    server = connections.server
    assert sign_ins_of_gh(server)
    assert len(private_folders(server)) == 1
    body = {"session_id": started["session_id"]}
    assert connections.http.post("/api/connectors/github/cli/cancel", json=body).json() == {
        "ok": True
    }
    eventually(lambda: not sign_ins_of_gh(server), 15, "gh has ended")
    eventually(lambda: not private_folders(server), 15, "no private folder is left")
    assert poll(connections, started)["status"] == "denied"


def test_a_refused_code_is_denied(connections: Connections, github: FakeGitHub) -> None:
    started = connections.http.post("/api/connectors/github/cli/start").json()
    github.deny(started["user_code"])
    eventually(lambda: poll(connections, started)["status"] == "denied", 20, "denied")
    assert connections.status()["status"] == "needs_auth"


def test_a_code_that_expires_is_expired(connections: Connections, github: FakeGitHub) -> None:
    lifetimes = github.store.lifetimes
    lifetimes.device_seconds = 2
    try:
        started = connections.http.post("/api/connectors/github/cli/start").json()
        eventually(lambda: poll(connections, started)["status"] == "expired", 20, "expired")
    finally:
        lifetimes.device_seconds = 900


def test_a_token_of_gh_that_expires_is_kept_until_then(
    connections: Connections, github: FakeGitHub
) -> None:
    github.options.device_style = "github_app"
    try:
        flow = connections.connect(method="cli")
        github.approve()
        assert connections.wait(flow["flow_id"])["state"] == "completed"
    finally:
        github.options.device_style = "github"
    status = connections.status()
    assert status["connected"]
    assert status["detail"]["expires_at"]


def test_a_server_that_is_killed_leaves_no_sign_in_of_gh(connections: Connections) -> None:
    started = connections.http.post("/api/connectors/github/cli/start").json()
    server = connections.server
    assert len(private_folders(server)) == 1
    server.kill()
    server.start()
    connections = Connections(server, "github")
    answer = connections.http.post(
        "/api/connectors/github/cli/poll", json={"session_id": started["session_id"]}
    )
    assert answer.status_code == 502
    assert answer.json()["detail"]["code"] == "restarted"
    eventually(lambda: not private_folders(server), 15, "no private folder is left")


def poll(connections: Connections, started: Mapping[str, str]) -> dict[str, str]:
    body = {"session_id": started["session_id"]}
    answer = connections.http.post("/api/connectors/github/cli/poll", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def sign_ins_of_gh(server: LiveServer) -> list[ProcessInfo]:
    return [process for process in server.descendants() if "auth login" in process.command]


def private_folders(server: LiveServer) -> list[Path]:
    return list(server.state.glob("sign-ins/*"))
