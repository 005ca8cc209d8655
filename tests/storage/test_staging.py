"""Staged files are placed whole on any file system, and swept when their server was killed."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from xo_cowork_core.storage import staging as staging_module
from xo_cowork_core.storage.atomic import write_atomic
from xo_cowork_core.storage.rooted_fs import RootedFs
from xo_cowork_core.storage.staging import StagedFile, StagingArea

OTHER = Path("/dev/shm")


@pytest.fixture(params=["same file system", "another file system"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    if request.param == "same file system":
        yield tmp_path / "goal"
        return
    if not OTHER.is_dir() or OTHER.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    with TemporaryDirectory(dir=OTHER) as other:
        yield Path(other)


@pytest.fixture
def staging(tmp_path: Path) -> StagingArea:
    return StagingArea(tmp_path / "drafts")


def stage(staging: StagingArea, body: bytes) -> StagedFile:
    staged = staging.create_file()
    staged.write(body)
    staged.sync()
    return staged


def test_a_draft_replaces_what_was_there_with_its_rights(
    staging: StagingArea, folder: Path, tmp_path: Path
) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "x").write_text("old")
    (folder / "x").chmod(0o4755)
    staged = stage(staging, b"new")
    with RootedFs((folder,)).open_path(folder / "x") as handle:
        staged.copy_ownership((folder / "x").stat())
        staged.replace(handle)
    staged.discard()
    assert (folder / "x").read_bytes() == b"new"
    assert (folder / "x").stat().st_mode & 0o7777 == 0o755
    assert [child.name for child in folder.iterdir()] == ["x"]
    assert list((tmp_path / "drafts").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_draft_takes_the_owner_and_the_group_of_what_it_replaces(
    staging: StagingArea, tmp_path: Path
) -> None:
    other = tmp_path / "of-another"
    other.write_text("old")
    os.chown(other, 12345, 54321)
    staged = stage(staging, b"new")
    staged.copy_ownership(other.stat())
    with RootedFs((tmp_path,)).open_path(other) as handle:
        staged.replace(handle)
    assert (other.stat().st_uid, other.stat().st_gid) == (12345, 54321)


def test_only_one_of_many_gets_a_name(staging: StagingArea, folder: Path) -> None:
    won: list[int] = []

    def claim(number: int) -> None:
        staged = stage(staging, b"%d" % number)
        with RootedFs((folder,)).open_entry(folder, "x") as handle:
            try:
                staged.claim(handle)
                won.append(number)
            except FileExistsError:
                pass
        staged.discard()

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert (folder / "x").read_bytes() == b"%d" % won[0]
    assert (folder / "x").stat().st_nlink == 1
    assert [child.name for child in folder.iterdir()] == ["x"]


def test_a_file_system_without_hard_links_will_do(
    staging: StagingArea, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(staging_module.os, "link", refuse)
    for body in (b"one", b"two"):
        staged = stage(staging, body)
        with RootedFs((folder,)).open_entry(folder, "x") as handle:
            if body == b"one":
                staged.claim(handle)
            else:
                with pytest.raises(FileExistsError):
                    staged.claim(handle)
        staged.discard()
    assert (folder / "x").read_bytes() == b"one"


def test_the_sweep_takes_drafts_and_copies_beside_and_nothing_else(
    staging: StagingArea, tmp_path: Path
) -> None:
    stage(staging, b"left")
    drafts, goal = tmp_path / "drafts", tmp_path / "goal"
    goal.mkdir()
    copy = goal / ".0123456789abcdef.xo-new"
    for file in (copy, goal / "mine"):
        file.touch()
    tree = goal / ".fedcba9876543210.xo-new"
    (tree / "deep").mkdir(parents=True)
    (tree / "deep" / "link").symlink_to(goal)
    (drafts / "t.note").symlink_to(tree)
    (tmp_path / "link").symlink_to(goal)
    (drafts / "a.note").symlink_to(copy)
    (drafts / "b.note").symlink_to(goal / "mine")
    (drafts / "c.note").symlink_to(goal / "gone" / copy.name)
    staging.sweep()
    assert list(drafts.iterdir()) == []
    assert [child.name for child in goal.iterdir()] == ["mine"]
    copy.touch()
    (drafts / "d.note").symlink_to(tmp_path / "link" / copy.name)
    staging.sweep()
    assert copy.exists(), "no link is followed"


def test_a_sweep_before_the_first_draft_is_no_error(tmp_path: Path) -> None:
    StagingArea(tmp_path / "drafts").sweep()
    assert not (tmp_path / "drafts").exists()


def test_drafts_are_for_the_owner_alone(staging: StagingArea, tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        stage(staging, b"x").discard()
    finally:
        os.umask(old)
    assert (tmp_path / "drafts").stat().st_mode & 0o777 == 0o700


def test_write_atomic_takes_the_longest_names(tmp_path: Path) -> None:
    write_atomic(tmp_path / ("x" * 255), b"1")
    assert [len(child.name) for child in tmp_path.iterdir()] == [255]
