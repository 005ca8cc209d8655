"""Folders and files, through the real rclone."""

import os

import pytest

from tests.fakes.microsoft_graph import FakeMicrosoft
from tests.support.drive_remotes import DriveRemotes

BIG = os.urandom(12 << 20)
CONTENTS = {"empty.bin": b"", "small.txt": b"hello world!", "big.bin": BIG}
NAMES = ["Ümlaut", "with space", "50% & #1", "a+b=c", "日本"]


def test_folders_are_made_listed_and_removed(work: DriveRemotes, microsoft: FakeMicrosoft) -> None:
    assert work.folders() == []
    for name in NAMES:
        assert work.post("mkdir", path=f"Documents/{name}").is_success
    assert sorted(work.folders("Documents")) == sorted(NAMES)
    assert microsoft.drive.folders() == {"Documents", *(f"Documents/{name}" for name in NAMES)}
    assert work.post("rmdir", path="Documents").status_code == 409
    for name in NAMES:
        assert work.post("rmdir", path=f"Documents/{name}").is_success
    assert work.post("rmdir", path="Documents").is_success
    assert work.folders() == []
    assert work.get("folders", path="Documents").status_code == 404


@pytest.mark.parametrize("filename", CONTENTS)
def test_a_file_is_uploaded_downloaded_and_deleted(
    work: DriveRemotes, microsoft: FakeMicrosoft, filename: str
) -> None:
    content = CONTENTS[filename]
    response = work.upload(filename, content, "Documents")
    assert response.is_success, response.text
    assert microsoft.drive.files() == {f"Documents/{filename}": content}
    path = f"Documents/{filename}"
    downloaded = work.get("download", path=path)
    assert (downloaded.status_code, downloaded.content) == (200, content)
    deleted = work.http.delete(f"{work.path}/remotes/work/files", params={"path": path})
    assert deleted.is_success, deleted.text
    assert microsoft.drive.files() == {}
    assert work.get("download", path=path).status_code == 404


def test_a_restart_keeps_the_remote(work: DriveRemotes, microsoft: FakeMicrosoft) -> None:
    assert work.post("mkdir", path="Documents").is_success
    before = work.row()
    work.server.restart()
    assert work.row() == before
    assert work.folders() == ["Documents"]
    assert not microsoft.oauth.requests("token", grant_type="refresh_token")


def test_a_folder_of_many_is_listed_completely(
    work: DriveRemotes, microsoft: FakeMicrosoft
) -> None:
    microsoft.graph.page_size = 7
    names = {f"folder {number:03}" for number in range(40)}
    try:
        for name in names:
            microsoft.drive.make_folders(name)
        assert set(work.folders()) == names
    finally:
        microsoft.graph.page_size = 1000
