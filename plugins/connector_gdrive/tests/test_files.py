"""Folders and files of a remote, with the real rclone."""

import os
from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.fakes.google_drive import FakeGoogle
from tests.support.connectors.drive_client import DriveClient

REMOTE = "work"
MIB = 1 << 20
BAD_PATHS = ("..", "a/../b", "./a", "a//b", "a\nb", "a\0b", "//", "x" * 3000, "a/．．/b")  # noqa: RUF001


@pytest.fixture(scope="module", autouse=True)
def signed_in(drive: DriveClient) -> None:
    drive.connect(REMOTE)


@pytest.fixture(autouse=True)
def empty_drive(google: FakeGoogle) -> Iterator[None]:
    yield
    google.store.clear()
    google.faults.clear()


def test_folders_are_made_listed_and_deleted(drive: DriveClient, google: FakeGoogle) -> None:
    for path in ("Reports/2026/May", "Reports/2025", "Ä ö/c'd"):
        response = drive.http.post(drive.url(REMOTE, "mkdir"), json={"path": path})
        assert response.json() == {"ok": True, "path": path}
    assert drive.folders_of(REMOTE) == ["Reports", "Ä ö"]
    assert drive.folders_of(REMOTE, "Reports") == ["2025", "2026"]
    assert drive.folders_of(REMOTE, "/Reports/2026/") == ["May"]
    assert drive.folders_of(REMOTE, "Ä ö") == ["c'd"]
    full = drive.http.post(drive.url(REMOTE, "rmdir"), json={"path": "Reports"})
    assert (full.status_code, full.json()["detail"]["code"]) == (409, "not_empty")
    for body in ({"path": "Reports/2025"}, {"path": "Reports/2026", "recursive": True}):
        assert drive.http.post(drive.url(REMOTE, "rmdir"), json=body).status_code == 200
    assert sorted(google.store.paths()) == ["Reports", "Ä ö", "Ä ö/c'd"]
    gone = drive.http.post(drive.url(REMOTE, "rmdir"), json={"path": "Reports/2025"})
    assert gone.status_code == 404


@pytest.mark.parametrize("size", [0, 12, 200_000, 12 * MIB + 5])
def test_a_file_goes_up_and_comes_back_unchanged(
    drive: DriveClient, google: FakeGoogle, size: int
) -> None:
    content = os.urandom(size)
    response = drive.send(REMOTE, "plan 1.bin", content, path="Docs/new", upload_id=f"up-{size}")
    assert response.status_code == 200, response.text
    body = response.json()
    assert body["upload_id"] == f"up-{size}"
    assert (body["file"]["path"], body["file"]["size"]) == ("Docs/new/plan 1.bin", size)
    # no comparison of contents in an assertion: its report of 12 MiB would take minutes
    is_same = google.store.paths()["Docs/new/plan 1.bin"].content == content
    assert is_same
    progress = drive.http.get(drive.url(REMOTE, f"uploads/up-{size}")).json()
    assert progress["state"] == "completed"
    assert (progress["sent"], progress["total"]) == (size, size)
    answer = drive.download(REMOTE, "Docs/new/plan 1.bin")
    assert answer.status_code == 200
    is_same = answer.content == content
    assert is_same
    assert answer.headers["content-length"] == str(size)
    assert answer.headers["content-disposition"].startswith("attachment")


def test_a_body_of_unknown_length_is_stored(drive: DriveClient, google: FakeGoogle) -> None:
    parts = [os.urandom(100_000) for _ in range(5)]
    assert drive.send(REMOTE, "stream.bin", iter(parts)).status_code == 200
    is_same = google.store.paths()["stream.bin"].content == b"".join(parts)
    assert is_same


def test_a_second_upload_replaces_the_file(drive: DriveClient, google: FakeGoogle) -> None:
    for content in (b"first", b"second, longer"):
        assert drive.send(REMOTE, "note.txt", content).status_code == 200
    assert [file.content for file in google.store.paths().values()] == [b"second, longer"]
    row = drive.files_of(REMOTE)["note.txt"]
    assert row["is_dir"] is False
    assert row["size"] == len(b"second, longer")
    assert datetime.fromisoformat(str(row["modified_at"])).tzinfo is not None
    assert row["id"] in google.store.files


def test_a_range_of_a_file_is_downloaded(drive: DriveClient) -> None:
    drive.send(REMOTE, "digits.txt", b"0123456789")
    answer = drive.download(REMOTE, "digits.txt", range="bytes=2-5")
    assert (answer.status_code, answer.content) == (206, b"2345")
    assert answer.headers["content-range"] == "bytes 2-5/10"


def test_a_file_is_deleted(drive: DriveClient, google: FakeGoogle) -> None:
    drive.send(REMOTE, "old.txt", b"x", path="Docs")
    query = {"path": "Docs/old.txt"}
    assert drive.http.delete(drive.url(REMOTE, "files"), params=query).status_code == 200
    assert list(google.store.paths()) == ["Docs"]
    assert drive.http.delete(drive.url(REMOTE, "files"), params=query).status_code == 404
    folder = drive.http.delete(drive.url(REMOTE, "files"), params={"path": "Docs"})
    assert folder.status_code in {404, 409}
    assert list(google.store.paths()) == ["Docs"]


def test_what_is_not_there_is_404(drive: DriveClient) -> None:
    for action in ("folders", "files", "download"):
        answer = drive.http.get(drive.url(REMOTE, action), params={"path": "no/such"})
        assert answer.status_code == 404, f"{action}: {answer.text}"
        answer = drive.http.get(drive.url("nobody", action), params={"path": "a"})
        assert answer.status_code == 404, f"{action}: {answer.text}"
    assert drive.send("nobody", "a.txt", b"x").status_code == 404
    assert drive.http.get(drive.url(REMOTE, "uploads/none")).status_code == 404


@pytest.mark.parametrize("path", BAD_PATHS)
def test_a_path_that_leads_elsewhere_is_refused_before_rclone_sees_it(
    drive: DriveClient, google: FakeGoogle, path: str
) -> None:
    google.faults.log.clear()
    answers = [
        drive.http.get(drive.url(REMOTE, "folders"), params={"path": path}),
        drive.http.get(drive.url(REMOTE, "files"), params={"path": path}),
        drive.http.get(drive.url(REMOTE, "download"), params={"path": path}),
        drive.http.post(drive.url(REMOTE, "mkdir"), json={"path": path}),
        drive.http.post(drive.url(REMOTE, "rmdir"), json={"path": path}),
        drive.http.delete(drive.url(REMOTE, "files"), params={"path": path}),
        drive.send(REMOTE, "a.txt", b"x", path=path),
        drive.send(REMOTE, f"{path}/a.txt", b"x"),
    ]
    assert {answer.status_code for answer in answers} == {400}
    assert google.faults.log == []


@pytest.mark.parametrize(
    "name", [":local:", "local:", "UP", "a b", "..", "-a", "x" * 33, "%3Alocal%3A", "work,token=x:"]
)
def test_a_connection_string_is_no_remote(drive: DriveClient, name: str) -> None:
    answers = [
        drive.http.get(drive.url(name, "folders"), params={"path": "etc"}),
        drive.http.post(drive.url(name, "mkdir"), json={"path": "etc"}),
        drive.send(name, "a.txt", b"x"),
        drive.delete(name),
        drive.http.post(f"{drive.path}/remotes", json={"name": name}),
    ]
    assert {answer.status_code for answer in answers} <= {400, 404, 405}
    assert answers[-1].status_code == 400


@pytest.mark.parametrize("filename", ["", ".", "..", "a/b", "a\nb", "x" * 300])
def test_a_filename_is_one_name(drive: DriveClient, filename: str) -> None:
    assert drive.send(REMOTE, filename, b"x").status_code == 400


def test_a_name_with_quotes_and_percent_signs_stays_as_it_is(
    drive: DriveClient, google: FakeGoogle
) -> None:
    name = 'q"u\\o%41 t;é=.txt'
    assert drive.send(REMOTE, name, b"content").status_code == 200
    assert list(google.store.paths()) == [name]
    assert drive.download(REMOTE, name).content == b"content"
