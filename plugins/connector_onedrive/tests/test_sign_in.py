"""Each way to sign in: the browser's return, a pasted address, a code, and rclone's own client."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.fakes.loopback_network import LoopbackNetwork
from tests.fakes.microsoft_graph import FakeMicrosoft
from tests.support.connectors.rclone_port import rclone_port
from tests.support.drive_remotes import DriveRemotes
from xo_cowork_core.sdk.testing import Connections, LiveServer

SCOPES = {"Files.ReadWrite.All", "User.Read", "offline_access"}


def query_of(url: object) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(str(url)).query).items()}


def test_the_browser_comes_back_to_localhost(
    remotes: DriveRemotes, microsoft: FakeMicrosoft
) -> None:
    session = remotes.begin("work")
    query = query_of(session["auth_url"])
    redirect = urlsplit(query["redirect_uri"])
    # Microsoft takes any port for a registered http://localhost/, and no other host of the loopback
    assert (redirect.hostname, redirect.path) == ("localhost", "/")
    assert set(query["scope"].split()) == SCOPES
    assert (query["client_id"], query["code_challenge_method"]) == ("test-client", "S256")
    assert microsoft.oauth.sign_in(str(session["auth_url"])).status_code == 200
    ended = remotes.wait(session["session_id"])
    assert (ended["status"], ended["remote_name"]) == ("completed", "work"), ended
    row = remotes.row("work")
    assert (row["type"], row["status"], row["complete"]) == ("onedrive", "connected", True)
    assert row["region"] == "global"


def test_a_pasted_address_signs_in(remotes: DriveRemotes, microsoft: FakeMicrosoft) -> None:
    session = remotes.begin("work")
    assert session["needs_manual_code"] is True
    address = microsoft.oauth.visit(str(session["auth_url"]))
    # the code holds `/`, `+` and `=`
    assert "%2F" in address
    assert remotes.submit(session["session_id"], f"  {address}\n").status_code == 200
    assert remotes.wait(session["session_id"])["status"] == "completed"


def test_a_code_signs_in_from_another_device(
    server: LiveServer, remotes: DriveRemotes, microsoft: FakeMicrosoft
) -> None:
    connections = Connections(server, "onedrive")
    flow = connections.connect(method="device_code", connection="work")
    assert flow["user_code"]
    assert microsoft.oauth.approve(str(flow["user_code"])) == 1
    assert connections.wait(flow["flow_id"])["state"] == "completed"
    microsoft.drive.make_folders("Documents")
    assert remotes.folders() == ["Documents"]


def test_several_remotes_have_accounts_of_their_own(
    remotes: DriveRemotes, microsoft: FakeMicrosoft
) -> None:
    for name in ("work", "private"):
        assert remotes.sign_in(microsoft.oauth.sign_in, name)["status"] == "completed"
    assert [row["name"] for row in remotes.rows()] == ["private", "work"]
    assert remotes.delete("private").status_code == 204
    assert [row["name"] for row in remotes.rows()] == ["work"]
    assert remotes.folders(name="work") == []
    assert remotes.get("folders", "private").status_code == 404


@pytest.fixture
def without_client_id(network: LoopbackNetwork) -> Iterator[DriveRemotes]:
    environment = {**network.environment, "XO_PLUGINS": "connector_onedrive"}
    with rclone_port(), LiveServer(environment=environment) as running:
        yield DriveRemotes(running, "onedrive")


def test_without_a_client_id_rclone_signs_in(
    without_client_id: DriveRemotes, microsoft: FakeMicrosoft
) -> None:
    microsoft.reset()
    microsoft.drive.make_folders("Documents")
    methods = Connections(without_client_id.server, "onedrive").methods()
    assert methods[0]["kind"] == "command"
    session = without_client_id.begin("work")
    query = query_of(session["auth_url"])
    assert query["redirect_uri"] == "http://localhost:53682/"
    assert set(query["scope"].split()) == SCOPES
    address = microsoft.oauth.visit(str(session["auth_url"]))
    assert without_client_id.submit(session["session_id"], address).status_code == 200
    ended = without_client_id.wait(session["session_id"])
    assert ended["status"] == "completed", ended
    assert without_client_id.folders() == ["Documents"]
    microsoft.oauth.expire()
    assert without_client_id.folders() == ["Documents"]
