"""Which drive of an account a remote uses, and how a person chooses another."""

from collections.abc import Sequence

import pytest

from tests.fakes.microsoft_graph import Drive, FakeMicrosoft
from tests.support.drive_remotes import DriveRemotes

OWN_ID, ARCHIVE_ID = "b!own-drive", "b!archive-drive"


@pytest.fixture
def two_drives(remotes: DriveRemotes, microsoft: FakeMicrosoft) -> DriveRemotes:
    """A remote whose account has two drives."""
    own = Drive(OWN_ID, "OneDrive", "business")
    archive = Drive(ARCHIVE_ID, "Archive", "documentLibrary")
    own.make_folders("Own folder")
    archive.make_folders("Old folder")
    microsoft.reset(own, archive)
    assert remotes.sign_in(microsoft.oauth.sign_in)["status"] == "completed"
    return remotes


def drives_of(remotes: DriveRemotes) -> Sequence[tuple[str, str, str, bool]]:
    response = remotes.get("drives")
    assert response.status_code == 200, response.text
    return [
        (each["id"], each["name"], each["drive_type"], each["selected"])
        for each in response.json()["drives"]
    ]


def test_the_only_drive_is_taken(work: DriveRemotes, microsoft: FakeMicrosoft) -> None:
    row = work.row()
    assert (row["drive_id"], row["drive_type"]) == (microsoft.drive.id, "personal")
    assert drives_of(work) == [(microsoft.drive.id, "OneDrive", "personal", True)]


def test_of_several_drives_the_accounts_own_is_used_until_another_is_chosen(
    two_drives: DriveRemotes,
) -> None:
    assert two_drives.row()["drive_id"] == OWN_ID
    assert two_drives.folders() == ["Own folder"]
    assert drives_of(two_drives) == [
        (OWN_ID, "OneDrive", "business", True),
        (ARCHIVE_ID, "Archive", "documentLibrary", False),
    ]
    response = two_drives.post("drive", drive_id=ARCHIVE_ID)
    assert response.status_code == 200, response.text
    assert [each["selected"] for each in response.json()["drives"]] == [False, True]
    row = two_drives.row()
    assert (row["drive_id"], row["drive_type"]) == (ARCHIVE_ID, "documentLibrary")
    assert two_drives.folders() == ["Old folder"]


def test_a_chosen_drive_survives_refresh_restart_and_reconnection(
    two_drives: DriveRemotes, microsoft: FakeMicrosoft
) -> None:
    assert two_drives.post("drive", drive_id=ARCHIVE_ID).status_code == 200
    microsoft.oauth.expire()
    assert [drive[3] for drive in drives_of(two_drives)] == [False, True]
    microsoft.oauth.expire()
    assert two_drives.folders() == ["Old folder"]
    two_drives.server.restart()
    assert two_drives.folders() == ["Old folder"]
    assert two_drives.sign_in(microsoft.oauth.sign_in)["status"] == "completed"
    assert two_drives.folders() == ["Old folder"]
    assert two_drives.row()["drive_id"] == ARCHIVE_ID


def test_a_drive_of_another_account_is_refused(two_drives: DriveRemotes) -> None:
    response = two_drives.post("drive", drive_id="b!somebody-elses")
    assert response.status_code == 404
    assert two_drives.row()["drive_id"] == OWN_ID
    assert two_drives.folders() == ["Own folder"]
    assert two_drives.post("drive", drive_id="").status_code == 400
    assert two_drives.post("drive", "unknown", drive_id=OWN_ID).status_code == 404


def test_an_account_without_a_drive_is_told_so(
    remotes: DriveRemotes, microsoft: FakeMicrosoft
) -> None:
    microsoft.drives.clear()
    session = remotes.sign_in(microsoft.oauth.sign_in)
    assert session["status"] == "failed"
    assert "octo@example.test has no OneDrive" in str(session["error"])
    assert remotes.rows() == []
