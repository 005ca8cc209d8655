"""Remotes in the rclone.conf that agents use, and those of an older server's."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.google_drive import FakeGoogle
from tests.fakes.loopback_network import LoopbackNetwork
from tests.support.connectors.drive_client import DriveClient
from tests.support.connectors.rclone_port import rclone_port
from xo_cowork_core.sdk.testing.process_tree import eventually
from xo_cowork_core.sdk.testing.server import LiveServer

RCLONE = Path(sys.executable).with_name("rclone")


@pytest.fixture(autouse=True)
def signed_out(drive: DriveClient, google: FakeGoogle) -> Iterator[None]:
    yield
    google.clear()
    for name in drive.remotes():
        drive.delete(name)


def exported(drive: DriveClient) -> str:
    file = drive.server.state / "rclone.conf"
    return file.read_text() if file.exists() else ""


def run_rclone(drive: DriveClient, network: LoopbackNetwork, *arguments: str) -> str:
    """Run rclone as an agent does, with the exported file."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(drive.server.home),
        "RCLONE_CONFIG": str(drive.server.state / "rclone.conf"),
        **network.environment,
    }
    result = subprocess.run(
        [RCLONE, *arguments],
        check=True,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    return result.stdout


def test_agents_use_a_remote_without_being_able_to_refresh_it(
    drive: DriveClient, google: FakeGoogle, network: LoopbackNetwork
) -> None:
    drive.connect("work")
    drive.send("work", "plan.txt", b"the plan", path="Docs")
    eventually(lambda: "[work]" in exported(drive), 10.0, "the section")
    file = drive.server.state / "rclone.conf"
    assert file.stat().st_mode & 0o777 == 0o600
    assert run_rclone(drive, network, "cat", "work:Docs/plan.txt") == "the plan"
    text = exported(drive)
    assert "scope = drive.file" in text
    assert not any(token in text for token in google.oauth.store.refresh)
    drive.delete("work")
    eventually(lambda: "[work]" not in exported(drive), 10.0, "the section is gone")


def test_the_default_remote_is_exported_under_the_connectors_name(drive: DriveClient) -> None:
    # OneDrive, too, may have a remote `default`, and the file is the same
    drive.connect("default")
    eventually(lambda: "[gdrive]" in exported(drive), 10.0, "the section")
    drive.connect("gdrive")
    eventually(lambda: "[default]" in exported(drive), 10.0, "both sections")
    assert "[gdrive]" in exported(drive)


def test_a_plugin_that_is_switched_off_takes_everything_with_it(
    drive: DriveClient, network: LoopbackNetwork
) -> None:
    drive.connect("work")
    eventually(lambda: "[work]" in exported(drive), 10.0, "the section")
    drive.server.terminate()
    environment = drive.server._environment
    environment["XO_PLUGINS"] = "none"
    try:
        drive.server.start()
        http = drive.http
        assert http.get(f"{drive.path}/remotes").status_code == 404
        assert http.get("/api/connectors").json() == []
        paths = http.get("/openapi.json").json()["paths"]
        assert not [path for path in paths if "gdrive" in path]
        rows = http.get("/api/plugins").json()["plugins"]
        row = next(row for row in rows if row["name"] == "connector_gdrive")
        assert (row["state"], row["secrets_schema"]["properties"]) == ("disabled", {})
        eventually(lambda: "[work]" not in exported(drive), 10.0, "the section is gone")
        drive.server.terminate()
    finally:
        environment["XO_PLUGINS"] = "connector_gdrive"
    drive.server.start()
    assert drive.folders_of("work") == []
    eventually(lambda: "[work]" in exported(drive), 10.0, "the section is back")


def test_remotes_of_an_older_server_go_on(
    drive: DriveClient, google: FakeGoogle, network: LoopbackNetwork
) -> None:
    with rclone_port():
        drive.connect("shared", method="rclone")
    client = next(reversed(google.oauth.store.refresh.values())).client_id
    issued = google.oauth.issue(client_id=client)
    google.oauth.expire()
    token = {
        "access_token": issued.access_token,
        "token_type": "Bearer",
        "refresh_token": issued.refresh_token,
        "expiry": "2020-01-01T00:00:00.123456789Z",
    }
    section = f"[old]\ntype = drive\nscope = drive.file\ntoken = {json.dumps(token)}\n"
    environment = {"XO_PLUGINS": "connector_gdrive", **network.environment}
    server = LiveServer(environment=environment)
    server.state.mkdir(mode=0o700)
    (server.state / "rclone.conf").write_text(section)
    with server:
        newer = DriveClient(server, "gdrive", google.oauth)
        eventually(lambda: "old" in newer.remotes(), 10.0, "the remote")
        assert newer.folders_of("old") == []
        assert newer.remotes()["old"]["auth_method"] == "rclone"
        eventually(lambda: issued.refresh_token not in exported(newer), 10.0, "no refresh token")
        newer.delete("old")
