"""Folders that are opened one below another."""

from pathlib import Path

import pytest

from xo_cowork_core.storage.folder_handle import FolderHandle, SymlinkError


@pytest.mark.parametrize(
    ("name", "error"),
    [("link", SymlinkError), ("file", NotADirectoryError), ("missing", FileNotFoundError)],
)
def test_what_is_no_folder_is_an_error_of_its_kind(
    tmp_path: Path, name: str, error: type[OSError]
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    (tmp_path / "file").touch()
    with FolderHandle.open(tmp_path) as top:
        with top.open_folder("folder"):
            pass
        with pytest.raises(error) as refusal:
            top.open_folder(name)
    assert type(refusal.value) is error
