"""Symlinks are swapped while paths are opened: what was checked is what is opened."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from xo_cowork_core.storage.paths import MalformedPathError, OutsideError
from xo_cowork_core.storage.rooted_fs import RootedFs
from xo_cowork_core.storage.staging import StagingArea

ROUNDS = 2000
PATHS = ("link/f", "folder/f", "leaf", "folder/deep/f", "link")
REFUSED = (OSError, OutsideError, MalformedPathError)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Path]:
    for folder in ("home/real", "home/folder/deep", "outside"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "f").write_text("secret" if folder == "outside" else "mine")
    (tmp_path / "home" / "leaf").write_text("mine")
    script = Path(__file__).parents[1] / "support" / "path_swapper.py"
    command = [sys.executable, str(script), str(tmp_path / "home"), str(tmp_path / "outside")]
    swapper = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert swapper.stdout
    swapper.stdout.readline()
    yield tmp_path
    ended = swapper.poll()
    swapper.kill()
    swapper.communicate()
    assert ended is None, "the swapper has to run to the end"


def test_no_read_gets_out(world: Path) -> None:
    fs = RootedFs((world / "home",))
    read = refused = 0
    for _ in range(ROUNDS):
        for path in PATHS:
            try:
                file, _ = fs.open_file(world / "home" / path)
            except REFUSED:
                refused += 1
                continue
            with file:
                assert file.read(100) in {b"mine", b""}
            read += 1
    assert read > ROUNDS / 10
    assert refused > ROUNDS / 10


def test_no_listing_gets_out(world: Path) -> None:
    (world / "outside" / "planted").touch()
    fs = RootedFs((world / "home",))
    for _ in range(ROUNDS):
        for path in ("link", "folder"):
            with (
                suppress(*REFUSED),
                fs.open_folder(world / "home" / path) as (folder, _),
            ):
                assert "planted" not in [entry.name for entry in folder.entries()]


def test_no_write_gets_out(world: Path) -> None:
    fs = RootedFs((world / "home",))
    staging = StagingArea(world / "drafts")
    written = 0
    for number in range(ROUNDS):
        for path in ("link", "folder"):
            staged = staging.create_file()
            staged.write(b"mine")
            place = world / "home" / path
            with suppress(*REFUSED):
                # nothing is made in the place of the folder: the swapper would miss it
                if path == "folder" or number % 3 == 0:
                    with fs.open_path(place / "f") as handle:
                        staged.replace(handle)
                elif number % 3 == 1:
                    with fs.open_path(place / "new" / "x", make_parents=True) as handle:
                        staged.replace(handle)
                else:
                    with fs.open_entry(place, f"x{number}") as handle:
                        staged.claim(handle)
                written += 1
            staged.discard()
    assert written > ROUNDS / 10
    assert (world / "outside" / "f").read_text() == "secret"
    assert {child.name for child in (world / "outside").iterdir()} <= {"f", "deep"}
