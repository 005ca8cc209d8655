"""The sign-in by the real `rclone authorize`, and the refresh of what it got."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.fakes.google_drive import FakeGoogle
from tests.support.connectors.drive_client import DriveClient
from tests.support.connectors.rclone_port import RCLONE_PORT, rclone_port
from xo_cowork_core.sdk.testing.process_tree import eventually

LIFE_SECONDS = 3600.0


@pytest.fixture(scope="module")
def client_secrets() -> dict[str, str]:
    return {}


@pytest.fixture(autouse=True)
def signed_out(drive: DriveClient, google: FakeGoogle) -> Iterator[None]:
    with rclone_port():
        yield
        google.oauth.consent = "approve"
        google.oauth.store.lifetimes.access_seconds = LIFE_SECONDS
        google.clear()
        for name in drive.remotes():
            drive.delete(name)


def is_port_free() -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", RCLONE_PORT)) != 0


def test_the_method_warns_of_the_shared_client(drive: DriveClient) -> None:
    row = next(each for each in drive.http.get("/api/connectors").json())
    first = row["methods"][0]
    assert first["kind"] == "command"
    assert "switches it off in 2026" in first["title"]


def test_a_person_signs_in_through_rclone(drive: DriveClient) -> None:
    session_id = drive.open_session("shared")
    url = drive.auth_url(session_id)
    assert urlsplit(url).hostname == "accounts.google.com"
    drive.browse(url)
    assert drive.wait(session_id)["status"] == "completed"
    assert drive.remotes()["shared"]["auth_method"] == "rclone"
    assert drive.folders_of("shared") == []
    eventually(is_port_free, 10.0, "the port is free")


def test_a_person_pastes_an_address_with_an_encoded_code(drive: DriveClient) -> None:
    session_id = drive.open_session("shared")
    address = drive.provider.visit(drive.auth_url(session_id))
    assert "%2F" in address
    assert drive.submit(session_id, address).status_code == 200
    assert drive.wait(session_id)["status"] == "completed"


def test_a_wrong_state_does_not_reach_rclone(drive: DriveClient) -> None:
    session_id = drive.open_session("shared")
    address = drive.provider.visit(drive.auth_url(session_id))
    wrong = f"http://127.0.0.1:{RCLONE_PORT}/?code=4%2Fx&state=of-another"
    refused = drive.submit(session_id, wrong)
    assert (refused.status_code, refused.json()["detail"]["code"]) == (400, "state_mismatch")
    assert drive.session(session_id)["status"] == "awaiting_oauth"
    drive.submit(session_id, address)
    assert drive.wait(session_id)["status"] == "completed"


def test_one_sign_in_at_a_time_uses_the_port(drive: DriveClient) -> None:
    first = drive.open_session("one")
    busy = drive.http.post(f"{drive.path}/remotes", json={"name": "two"})
    assert (busy.status_code, busy.json()["detail"]["code"]) == (409, "busy")
    second = drive.open_session("two", force=True)
    assert drive.session(first)["status"] == "cancelled"
    drive.auth_url(second)
    assert drive.cancel(second).json() == {"ok": True}
    eventually(is_port_free, 10.0, "the port is free")
    assert drive.session(second)["status"] == "cancelled"


def test_a_port_that_another_program_has_is_told(drive: DriveClient) -> None:
    eventually(is_port_free, 10.0, "the port is free")
    with socket.create_server(("127.0.0.1", RCLONE_PORT)):
        response = drive.http.post(f"{drive.path}/remotes", json={"name": "shared"})
    assert response.status_code == 409, response.text
    assert response.json()["detail"]["code"] == "busy"
    assert "port" in response.json()["detail"]["message"]


def test_a_denied_sign_in_fails(drive: DriveClient, google: FakeGoogle) -> None:
    session_id = drive.open_session("shared")
    google.oauth.consent = "deny"
    drive.browse(drive.auth_url(session_id))
    session = drive.wait(session_id)
    assert session["status"] == "failed"
    assert session["error"]
    assert drive.remotes() == {}


def test_tokens_are_refreshed_through_rclone_once_for_all_callers(
    drive: DriveClient, google: FakeGoogle
) -> None:
    google.oauth.store.lifetimes.access_seconds = 6
    drive.connect("shared")
    google.oauth.store.lifetimes.access_seconds = LIFE_SECONDS
    eventually(
        lambda: google.oauth.requests("token", grant_type="refresh_token"), 10.0, "a refresh"
    )
    drive.server.restart()
    assert drive.folders_of("shared") == []
    assert drive.remotes()["shared"]["detail"]["state"] == "connected"
    assert len(google.oauth.requests("token", grant_type="refresh_token")) == 1


def test_a_revoked_grant_of_the_shared_client_needs_a_sign_in(
    drive: DriveClient, google: FakeGoogle
) -> None:
    drive.connect("shared")
    google.oauth.revoke_all()
    response = drive.http.get(drive.url("shared", "folders"))
    assert (response.status_code, response.json()["detail"]["code"]) == (409, "needs_auth")
    assert drive.remotes()["shared"]["status"] == "needs_auth"
    drive.connect("shared")
    assert drive.folders_of("shared") == []
