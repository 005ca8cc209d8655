"""A full disk: the client gets an error, existing files stay, nothing incomplete is left."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.small_disk import small_disk
from xo_cowork_core.sdk.testing import LiveServer

FULL = "There is no space left on the disk"
MB = 1 << 20


@pytest.fixture
def small(server: LiveServer) -> Iterator[Path]:
    """A folder with room for 2 MB."""
    with small_disk(server.home / "small", "2m") as folder:
        yield folder


def save(server: LiveServer, path: Path, size: int) -> tuple[int, str]:
    body = {"path": str(path), "content": "x" * size}
    answer = server.client.post("/api/files/save", json=body)
    return answer.status_code, answer.json().get("detail", "")


def upload(server: LiveServer, folder: Path, size: int) -> tuple[int, str]:
    files = {"file": ("big.bin", bytes(size))}
    answer = server.client.post("/api/files/upload", files=files, data={"workspace": str(folder)})
    return answer.status_code, answer.json().get("detail", "")


def copy(server: LiveServer, folder: Path, *, scaffold: bool = False) -> tuple[int, str]:
    """Make a folder, in it first a file that fits and then one that doesn't."""
    for name, size in (("fits", 1000), ("big", 3 * MB)):
        (server.home / name).write_bytes(bytes(size))
    files = [str(server.home / "fits"), str(server.home / "big")]
    body = {"path": str(folder), "files": files, "scaffold": scaffold}
    answer = server.client.post("/api/files/mkdir", json=body)
    return answer.status_code, answer.json().get("detail", "")


def check(server: LiveServer, folder: Path) -> None:
    assert save(server, folder / "x", 1000) == (200, "")
    assert save(server, folder / "x", 3 * MB) == (503, FULL)
    assert (folder / "x").read_text() == "x" * 1000
    assert upload(server, folder, 3 * MB) == (503, FULL)
    assert copy(server, folder / "copies") == (503, FULL)
    assert [child.name for child in folder.iterdir()] == ["x"]
    assert list((server.state / "drafts").iterdir()) == []
    assert save(server, folder / "x", 2000) == (200, "")
    assert upload(server, folder, 1000) == (200, "")
    assert server.client.get("/health").status_code == 200


@pytest.mark.fault
def test_a_small_disk_that_is_full(server: LiveServer, small: Path) -> None:
    check(server, small)


@pytest.mark.fault
def test_a_process_that_may_write_no_more(server: LiveServer) -> None:
    limits = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (2 * MB, limits[1]))
    folder = server.home / "limited"
    check(server, folder)
    assert copy(server, server.projects / "p", scaffold=True) == (503, FULL)
    assert list(server.projects.iterdir()) == []
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, limits)
    assert upload(server, folder / "more", 3 * MB) == (200, "")
