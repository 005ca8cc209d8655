"""Signing in to remotes with the workspace's own client, and what becomes of them."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.fakes.google_drive import FakeGoogle
from tests.fakes.google_drive.service import CLIENT_ID, account
from tests.support.connectors.drive_client import DriveClient


@pytest.fixture(autouse=True)
def signed_out(drive: DriveClient, google: FakeGoogle) -> Iterator[None]:
    yield
    google.clear()
    google.oauth.set_account(account("octo"))
    for name in drive.remotes():
        drive.delete(name)
    google.oauth.revoke_all()


def test_a_person_signs_in_with_the_browser(drive: DriveClient) -> None:
    session_id = drive.open_session("work")
    url = drive.auth_url(session_id)
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert query["client_id"] == CLIENT_ID
    assert (query["access_type"], query["prompt"]) == ("offline", "consent")
    assert query["scope"] == "https://www.googleapis.com/auth/drive.file"
    assert query["code_challenge_method"] == "S256"
    drive.provider.sign_in(url)
    assert drive.wait(session_id)["remote_name"] == "work"
    row = drive.remotes()["work"]
    assert (row["type"], row["scope"], row["complete"]) == ("drive", "drive.file", True)
    assert (row["status"], row["account"]) == ("connected", "octo@example.test")
    assert drive.folders_of("work") == []


@pytest.mark.parametrize("form", ["url", "query", "code", "with line breaks"])
def test_a_person_pastes_what_the_browser_ended_on(drive: DriveClient, form: str) -> None:
    session_id = drive.open_session("pasted")
    address = drive.provider.visit(drive.auth_url(session_id))
    query = urlsplit(address).query
    # a code has `/`, `+` and `=`, which are percent-encoded in the address
    assert "%2F" in query
    texts = {
        "url": address,
        "query": query,
        "code": parse_qs(query)["code"][0],
        "with line breaks": f"  {address[:40]}\n{address[40:]} ",
    }
    response = drive.submit(session_id, texts[form])
    assert response.status_code == 200, response.text
    assert drive.wait(session_id)["status"] == "completed"
    again = drive.submit(session_id, texts[form])
    assert (again.status_code, again.json()["status"]) == (200, "completed")
    assert drive.folders_of("pasted") == []


def test_several_remotes_are_several_accounts(drive: DriveClient, google: FakeGoogle) -> None:
    drive.connect("work")
    google.oauth.set_account(account("ada"))
    drive.connect("home")
    rows = drive.remotes()
    assert {name: row["account"] for name, row in rows.items()} == {
        "work": "octo@example.test",
        "home": "ada@example.test",
    }
    assert (drive.folders_of("work"), drive.folders_of("home")) == ([], [])


def test_a_reconnection_keeps_the_name_and_the_account(
    drive: DriveClient, google: FakeGoogle
) -> None:
    drive.connect("work")
    drive.http.post(drive.url("work", "mkdir"), json={"path": "Docs"})
    google.oauth.revoke_all()
    drive.connect("work")
    assert drive.folders_of("work") == ["Docs"]
    google.oauth.set_account(account("eve"))
    session_id = drive.open_session("work")
    drive.provider.sign_in(drive.auth_url(session_id))
    session = drive.wait(session_id)
    assert session["status"] == "failed"
    assert "octo@example.test" in str(session["error"])
    assert drive.remotes()["work"]["account"] == "octo@example.test"


def test_a_deleted_remote_is_revoked_and_gone(drive: DriveClient, google: FakeGoogle) -> None:
    drive.connect("work")
    assert drive.folders_of("work") == []
    file = drive.server.state / "plugins" / "connector_gdrive" / "rclone.conf"
    assert "[work]" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert drive.delete("work").status_code == 204
    assert google.oauth.requests("revoke")
    assert not google.oauth.store.access
    assert drive.remotes() == {}
    assert "[work]" not in file.read_text()
    assert drive.delete("work").status_code == 404
    assert drive.http.get(drive.url("work", "folders")).status_code == 404


def test_a_remote_that_shares_its_account_is_not_revoked(
    drive: DriveClient, google: FakeGoogle
) -> None:
    # Google revokes what an account has granted, not one token
    drive.connect("work")
    drive.connect("copy")
    assert drive.delete("copy").status_code == 204
    assert google.oauth.requests("revoke") == []
    assert drive.folders_of("work") == []
    assert drive.delete("work").status_code == 204
    assert len(google.oauth.requests("revoke")) == 1


def test_options_of_a_remote_stay_with_its_account(drive: DriveClient, google: FakeGoogle) -> None:
    drive.connect("work")
    drive.http.post(drive.url("work", "mkdir"), json={"path": "Docs/Inner"})
    file = drive.server.state / "plugins" / "connector_gdrive" / "rclone.conf"
    folder = google.store.paths()["Docs"].file_id
    file.write_text(file.read_text().replace("[work]\n", f"[work]\nroot_folder_id = {folder}\n"))
    drive.connect("work")
    assert drive.folders_of("work") == ["Inner"]
    body = {"connection": "work"}
    assert drive.http.post("/api/connectors/gdrive/disconnect", json=body).status_code == 200
    google.oauth.set_account(account("ada"))
    drive.connect("work")
    assert drive.folders_of("work") == ["Docs"]
    assert "root_folder_id" not in file.read_text()


def test_sessions_of_the_contract_end_as_they_should(drive: DriveClient) -> None:
    session_id = drive.open_session("work")
    busy = drive.http.post(f"{drive.path}/remotes", json={"name": "work"})
    assert busy.status_code == 409
    forced = drive.open_session("work", force=True)
    assert drive.session(session_id)["status"] == "cancelled"
    assert drive.cancel(forced).json() == {"ok": True}
    assert drive.session(forced)["status"] == "cancelled"
    late = drive.submit(forced, "4/code")
    assert late.status_code == 400
    for request in (drive.cancel, lambda each: drive.submit(each, "4/code")):
        assert request("unknown").status_code == 404
    assert drive.http.get(f"{drive.path}/sessions/unknown").status_code == 404


def test_a_cancelled_session_that_was_completed_keeps_its_remote(drive: DriveClient) -> None:
    session_id = drive.open_session("work")
    drive.provider.sign_in(drive.auth_url(session_id))
    drive.wait(session_id)
    assert drive.cancel(session_id).json() == {"ok": True}
    assert drive.session(session_id)["status"] == "completed"
    assert list(drive.remotes()) == ["work"]


def test_a_restart_keeps_remotes_and_open_sessions(drive: DriveClient) -> None:
    drive.connect("work")
    session_id = drive.open_session("later")
    url = drive.auth_url(session_id)
    drive.server.restart()
    assert drive.folders_of("work") == []
    httpx.get(drive.provider.visit(url), timeout=30, trust_env=False)
    assert drive.wait(session_id)["status"] == "completed"
    assert sorted(drive.remotes()) == ["later", "work"]
