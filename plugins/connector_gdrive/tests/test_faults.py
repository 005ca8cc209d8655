"""What goes wrong with Google Drive: nothing is lost, and the answer says what to do.

What any cloud drive may meet, such as a killed rclone, is in tests/faults/connectors.
"""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
import pytest

from tests.fakes.google_drive import FakeGoogle
from tests.fakes.google_drive.service import account
from tests.support.connectors.drive_client import DriveClient
from xo_cowork_core.sdk.testing.process_tree import eventually

LIFE_SECONDS = 3600.0
MIB = 1 << 20
MANY = 100
PARALLEL = 8


@pytest.fixture(autouse=True)
def clean(drive: DriveClient, google: FakeGoogle) -> Iterator[None]:
    yield
    google.oauth.consent = "approve"
    google.oauth.store.lifetimes.access_seconds = LIFE_SECONDS
    google.oauth.set_account(account("octo"))
    google.clear()
    if not drive.server.running:
        drive.server.start()
    for name in drive.remotes():
        drive.delete(name)
    google.oauth.revoke_all()


def detail(response: httpx.Response) -> dict[str, Any]:
    return cast("dict[str, Any]", response.json()["detail"])


def state(drive: DriveClient, name: str = "work") -> dict[str, Any]:
    return cast("dict[str, Any]", drive.remotes()[name]["detail"])


def list_folders(drive: DriveClient, name: str = "work") -> httpx.Response:
    return drive.http.get(drive.url(name, "folders"))


def upload_state(drive: DriveClient, upload_id: str) -> str:
    return drive.http.get(drive.url("work", f"uploads/{upload_id}")).json()["state"]


def rclone_pid(drive: DriveClient) -> int:
    processes = [p for p in drive.server.descendants() if " rcd " in f" {p.command} "]
    assert len(processes) == 1, processes
    return processes[0].pid


class TestSignIn:
    """Sign-ins that do not go as they should."""

    def test_a_denied_consent_fails_and_can_be_tried_again(
        self, drive: DriveClient, google: FakeGoogle
    ) -> None:
        session_id = drive.open_session("work")
        google.oauth.consent = "deny"
        drive.browse(drive.auth_url(session_id))
        session = drive.wait(session_id)
        assert (session["status"], session["error"]) == ("failed", "Access was denied.")
        google.oauth.consent = "approve"
        drive.connect("work")

    def test_a_code_that_has_expired_ends_the_sign_in(
        self, drive: DriveClient, google: FakeGoogle
    ) -> None:
        session_id = drive.open_session("work")
        address = drive.provider.visit(drive.auth_url(session_id))
        google.oauth.expire("codes")
        drive.submit(session_id, address)
        session = drive.wait(session_id)
        assert session["status"] == "failed"
        assert session["error"]

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("https://www.google.com/", "code_missing"),
            ("http://127.0.0.1:1/callback?code=4%2Fx&state=wrong", "state_mismatch"),
            ("http://127.0.0.1:1/callback?code=4%2Fx", "state_missing"),
            ("code=4%2Fx", "state_missing"),
        ],
    )
    def test_a_wrong_paste_is_refused_and_the_right_one_still_works(
        self, drive: DriveClient, text: str, code: str
    ) -> None:
        session_id = drive.open_session("work")
        address = drive.provider.visit(drive.auth_url(session_id))
        refused = drive.submit(session_id, text)
        assert (refused.status_code, detail(refused)["code"]) == (400, code)
        assert drive.session(session_id)["status"] == "awaiting_oauth"
        drive.submit(session_id, address)
        assert drive.wait(session_id)["status"] == "completed"

    def test_stray_hits_on_the_callback_port_change_nothing(self, drive: DriveClient) -> None:
        session_id = drive.open_session("work")
        url = drive.auth_url(session_id)
        address = drive.provider.visit(url)
        parts = urlsplit(address)
        base = f"{parts.scheme}://{parts.netloc}"
        for path in ("/", "/favicon.ico", "/callback", "/callback?error=access_denied&state=x"):
            answer = httpx.get(base + path, timeout=30, trust_env=False)
            assert answer.status_code == 400
        assert drive.session(session_id)["status"] == "awaiting_oauth"
        assert httpx.get(address, timeout=30, trust_env=False).status_code == 200
        assert drive.wait(session_id)["status"] == "completed"

    def test_of_two_starts_at_once_one_is_refused(self, drive: DriveClient) -> None:
        def start(_: int) -> int:
            body = {"name": "work"}
            return drive.http.post(f"{drive.path}/remotes", json=body).status_code

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(start, range(2))) == [202, 409]
        drive.cancel(drive.open_session("work", force=True))

    def test_a_token_endpoint_that_is_down_leaves_the_sign_in_open(
        self, drive: DriveClient, google: FakeGoogle
    ) -> None:
        session_id = drive.open_session("work")
        address = drive.provider.visit(drive.auth_url(session_id))
        google.oauth.fault("token", 503)
        drive.submit(session_id, address)
        session = drive.session(session_id)
        assert (session["status"], bool(session["error"])) == ("awaiting_oauth", True)
        drive.submit(session_id, address)
        assert drive.wait(session_id)["status"] == "completed"

    @pytest.mark.parametrize(
        ("reason", "ended"),
        [
            ("userRateLimitExceeded", "completed"),
            ("accessNotConfigured", "completed"),
            ("insufficientPermissions", "failed"),
        ],
    )
    def test_a_403_ends_a_sign_in_only_where_a_person_has_to_sign_in_again(
        self, drive: DriveClient, google: FakeGoogle, reason: str, ended: str
    ) -> None:
        session_id = drive.open_session("work")
        body = {"error": {"code": 403, "errors": [{"reason": reason}], "message": reason}}
        google.oauth.fault("userinfo", 403, body)
        drive.browse(drive.auth_url(session_id))
        assert drive.wait(session_id)["status"] == ended

    def test_a_killed_server_continues_an_open_sign_in(self, drive: DriveClient) -> None:
        session_id = drive.open_session("work")
        address = drive.provider.visit(drive.auth_url(session_id))
        drive.server.kill()
        drive.server.start()
        assert drive.session(session_id)["status"] == "awaiting_oauth"
        drive.submit(session_id, address)
        assert drive.wait(session_id)["status"] == "completed"


class TestTokens:
    """Tokens that expire, are refused and revoked."""

    def test_many_requests_on_an_expired_token_refresh_once(
        self, drive: DriveClient, google: FakeGoogle
    ) -> None:
        google.oauth.store.lifetimes.access_seconds = 2
        drive.connect("work")
        google.oauth.store.lifetimes.access_seconds = LIFE_SECONDS
        drive.server.terminate()
        google.oauth.expire()
        google.oauth.clear()
        drive.server.start()
        with ThreadPoolExecutor(PARALLEL) as pool:
            answers = list(pool.map(lambda _: list_folders(drive), range(PARALLEL)))
        assert {answer.status_code for answer in answers} == {200}
        assert len(google.oauth.requests("token", grant_type="refresh_token")) == 1
        assert state(drive)["state"] == "connected"

    def test_a_refresh_that_fails_keeps_the_remote(
        self, drive: DriveClient, google: FakeGoogle
    ) -> None:
        drive.connect("work")
        google.oauth.expire()
        google.oauth.fault("token", 503, times=MANY)
        refused = list_folders(drive)
        assert refused.status_code == 503
        assert "retry-after" in refused.headers
        assert state(drive)["state"] == "degraded"
        assert drive.remotes()["work"]["status"] == "connected"
        google.oauth.clear()
        eventually(lambda: list_folders(drive).status_code == 200, 20.0, "the next try works")

    def test_a_revoked_grant_needs_a_sign_in_and_keeps_name_and_files(
        self, drive: DriveClient, google: FakeGoogle
    ) -> None:
        drive.connect("work")
        drive.send("work", "kept.txt", b"kept")
        google.oauth.revoke_all()
        refused = list_folders(drive)
        assert (refused.status_code, detail(refused)["code"]) == (409, "needs_auth")
        assert "Sign in again to work" in detail(refused)["message"]
        assert state(drive)["state"] == "needs_reauth"
        assert state(drive)["reason"]
        drive.connect("work")
        assert list(drive.files_of("work")) == ["kept.txt"]


class TestService:
    """Google Drive itself is overloaded, full, or closed to this client."""

    @pytest.mark.parametrize(
        ("status", "reason", "answered", "code"),
        [
            (403, "userRateLimitExceeded", 503, "rate_limited"),
            (429, "rateLimitExceeded", 503, "rate_limited"),
            (403, "storageQuotaExceeded", 409, "storage_full"),
            (403, "insufficientFilePermissions", 403, None),
        ],
    )
    def test_an_error_of_the_drive_says_what_it_is_and_keeps_the_remote(
        self,
        drive: DriveClient,
        google: FakeGoogle,
        status: int,
        reason: str,
        answered: int,
        code: str | None,
    ) -> None:
        drive.connect("work")
        google.fault("/drive/v3/files", status, reason, times=MANY)
        refused = drive.http.post(drive.url("work", "mkdir"), json={"path": "Docs"})
        assert refused.status_code == answered, refused.text
        if code is not None:
            assert detail(refused)["code"] == code
        assert ("retry-after" in refused.headers) == (answered == 503)
        assert drive.remotes()["work"]["status"] == "connected"
        google.clear()
        answer = drive.http.post(drive.url("work", "mkdir"), json={"path": "Docs"})
        assert answer.status_code == 200

    def test_a_large_upload_to_a_full_drive_says_so(
        self, drive: DriveClient, google: FakeGoogle
    ) -> None:
        drive.connect("work")
        google.fault("/upload/", 403, "storageQuotaExceeded", times=MANY)
        refused = drive.send("work", "big.bin", os.urandom(20 * MIB))
        assert (refused.status_code, detail(refused)["code"]) == (409, "storage_full")
        assert google.store.paths() == {}

    @pytest.mark.parametrize("taken_parts", [-1, 1])
    def test_a_large_upload_whose_token_is_refused_works_at_the_second_attempt(
        self, drive: DriveClient, google: FakeGoogle, taken_parts: int
    ) -> None:
        drive.connect("work")
        drive.send("work", "big.bin", b"older")
        content = os.urandom(20 * MIB)
        # the request before the parts begins the upload
        google.fault("/upload/", 401, "authError", after=1 + taken_parts)
        refused = drive.send("work", "big.bin", content)
        assert (refused.status_code, refused.headers.get("retry-after")) == (503, "1"), refused.text
        assert "send the file again" in refused.text
        assert google.store.paths()["big.bin"].content == b"older"
        assert drive.send("work", "big.bin", content).status_code == 200
        assert [file.content for file in google.store.paths().values()] == [content]
        assert len(google.api.open_uploads) <= max(0, taken_parts)

    def test_a_folder_that_somebody_moved_is_not_changed_in_the_place_of_another(
        self, drive: DriveClient, google: FakeGoogle
    ) -> None:
        drive.connect("work")
        drive.send("work", "a.txt", b"a", path="Old")
        assert list(drive.files_of("work", "Old")) == ["a.txt"]
        google.store.paths()["Old"].name = "Kept"
        body = {"path": "Old", "recursive": True}
        assert drive.http.post(drive.url("work", "rmdir"), json=body).status_code == 404
        assert drive.send("work", "b.txt", b"b", path="Old").status_code == 200
        assert sorted(google.store.paths()) == ["Kept", "Kept/a.txt", "Old", "Old/b.txt"]


class TestRclone:
    """rclone ends, is missing or too old; transfers break off."""

    def test_a_killed_rclone_is_started_again(self, drive: DriveClient) -> None:
        drive.connect("work")
        assert list_folders(drive).status_code == 200
        before = rclone_pid(drive)
        os.kill(before, signal.SIGKILL)
        assert list_folders(drive).status_code == 200
        assert rclone_pid(drive) != before

    def test_rclone_ends_with_the_server(self, drive: DriveClient) -> None:
        drive.connect("work")
        list_folders(drive)
        pid = rclone_pid(drive)
        drive.server.terminate()
        eventually(lambda: not Path(f"/proc/{pid}").exists(), 15, "rclone has ended")

    @pytest.mark.parametrize("size", [20, 60_000])
    def test_an_upload_that_is_cut_half_way_leaves_no_file(
        self, drive: DriveClient, google: FakeGoogle, size: int
    ) -> None:
        drive.connect("work")

        def half() -> Iterator[bytes]:
            yield os.urandom(size // 2)
            raise ConnectionAbortedError

        for older in (None, b"older"):
            if older is not None:
                drive.send("work", "cut.bin", older)
            with pytest.raises(ConnectionAbortedError):
                drive.send("work", "cut.bin", half(), upload_id="half")
            eventually(lambda: upload_state(drive, "half") == "failed", 10.0, "the cut")
            stored = google.store.paths().get("cut.bin")
            assert (stored.content if stored else None) == older

    def test_the_progress_of_an_upload_can_be_read_while_it_runs(
        self, drive: DriveClient, google: FakeGoogle
    ) -> None:
        drive.connect("work")
        size = 24 * MIB
        with ThreadPoolExecutor(1) as pool, google.hold("POST", "/upload/") as hold:
            upload = pool.submit(
                drive.send, "work", "big.bin", os.urandom(size), upload_id="watched"
            )
            hold.wait()
            progress = drive.http.get(drive.url("work", "uploads")).json()["uploads"][-1]
            assert (progress["upload_id"], progress["state"]) == ("watched", "running")
            assert progress["sent"] < progress["total"] == size
            again = drive.send("work", "big.bin", b"x", upload_id="watched")
            assert again.status_code == 409
            hold.release()
            assert upload.result().status_code == 200

    def test_a_download_that_the_client_leaves_does_not_hold_rclone(
        self, drive: DriveClient
    ) -> None:
        drive.connect("work")
        drive.send("work", "big.bin", os.urandom(12 * MIB))
        params = {"path": "big.bin"}
        with drive.http.stream("GET", drive.url("work", "download"), params=params) as answer:
            assert len(next(answer.iter_raw())) > 0
        assert list_folders(drive).status_code == 200
