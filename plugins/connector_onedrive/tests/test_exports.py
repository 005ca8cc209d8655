"""Remotes in the rclone.conf that agents use, and those of an older server's."""

import json
import os
import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path

from tests.fakes.loopback_network import LoopbackNetwork
from tests.fakes.microsoft_graph import Drive, FakeMicrosoft
from tests.fakes.microsoft_graph.service import RCLONE_CLIENT_ID
from tests.support.drive_remotes import DriveRemotes
from xo_cowork_core.sdk.testing import LiveServer
from xo_cowork_core.sdk.testing.process_tree import eventually

RCLONE = Path(sys.executable).with_name("rclone")
OLD_SCOPES = "Files.Read Files.ReadWrite Files.Read.All Files.ReadWrite.All Sites.Read.All"
SECONDS = 30.0


def exported(server: LiveServer, name: str = "work") -> dict[str, str]:
    """Return a section of the exported file; empty when there is none."""
    parser = RawConfigParser()
    parser.read(server.state / "rclone.conf")
    return dict(parser[name]) if name in parser else {}


def test_agents_use_the_drive_of_a_remote_without_being_able_to_refresh_it(
    remotes: DriveRemotes, microsoft: FakeMicrosoft, network: LoopbackNetwork
) -> None:
    own, archive = Drive("b!own", "OneDrive", "business"), Drive("b!archive", "Archive", "business")
    own.make_folders("Own folder")
    archive.make_folders("Old folder")
    microsoft.reset(own, archive)
    assert remotes.sign_in(microsoft.oauth.sign_in)["status"] == "completed"
    server = remotes.server
    # no route was asked for the remote yet
    eventually(lambda: exported(server) != {}, SECONDS, "the section")
    section = exported(server)
    assert (section["type"], section["drive_id"]) == ("onedrive", "b!own")
    assert (section["drive_type"], section["region"]) == ("business", "global")
    assert "refresh_token" not in json.loads(section["token"])
    assert list_folders(server, network) == ["Own folder"]
    assert remotes.post("drive", drive_id="b!archive").status_code == 200
    eventually(
        lambda: exported(server)["drive_id"] == "b!archive", SECONDS, "the drive that was chosen"
    )
    assert list_folders(server, network) == ["Old folder"]
    server.restart()
    eventually(lambda: exported(server).get("drive_id") == "b!archive", SECONDS, "the section")
    assert remotes.delete().status_code == 204
    eventually(lambda: exported(server) == {}, SECONDS, "the section is gone")


def test_a_remote_of_an_older_server_goes_on_with_its_drive(
    microsoft: FakeMicrosoft, network: LoopbackNetwork
) -> None:
    own, archive = Drive("b!own", "OneDrive", "business"), Drive("b!archive", "Archive", "business")
    archive.make_folders("Old folder")
    microsoft.reset(own, archive)
    # its scopes do not include the account
    issued = microsoft.oauth.issue(OLD_SCOPES, RCLONE_CLIENT_ID)
    microsoft.oauth.expire()
    token = {
        "access_token": issued.access_token,
        "token_type": "Bearer",
        "refresh_token": issued.refresh_token,
        "expiry": "2020-01-01T00:00:00.123456789Z",
    }
    server = LiveServer(environment={**network.environment, "XO_PLUGINS": "connector_onedrive"})
    server.state.mkdir(mode=0o700)
    (server.state / "rclone.conf").write_text(
        f"[old]\ntype = onedrive\ntoken = {json.dumps(token)}\n"
        "drive_id = b!archive\ndrive_type = business\n"
    )
    with server:
        remotes = DriveRemotes(server, "onedrive")
        eventually(lambda: bool(remotes.rows()), SECONDS, "the remote")
        assert remotes.folders(name="old") == ["Old folder"]
        # the account is asked for in the background
        eventually(
            lambda: remotes.row("old")["account"] == "Octo Test", SECONDS, "the account is known"
        )
        row = remotes.row("old")
        assert (row["status"], row["drive_id"]) == ("connected", "b!archive")
        assert remotes.folders(name="old") == ["Old folder"]
        remotes.delete("old")


def list_folders(server: LiveServer, network: LoopbackNetwork) -> list[str]:
    """List the remote as an agent does, with rclone and the exported file."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(server.home),
        "RCLONE_CONFIG": str(server.state / "rclone.conf"),
        **network.environment,
    }
    command = [RCLONE, "lsf", "--dirs-only", "work:"]
    result = subprocess.run(
        command, check=True, env=environment, capture_output=True, text=True, timeout=100
    )
    return [line.rstrip("/") for line in result.stdout.splitlines()]
