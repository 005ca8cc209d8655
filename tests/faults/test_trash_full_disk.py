"""A trash on a disk that is full: the session is deleted all the same, and nothing is lost."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wire.terminal import TerminalSession
from xo_cowork_core.sdk.testing import LiveServer, eventually


@pytest.fixture
def server() -> Iterator[LiveServer]:
    with LiveServer() as running:
        yield running


@pytest.fixture
def trash(server: LiveServer) -> Iterator[Path]:
    """The trash, with room for 1 MB."""
    folder = server.state / "trash"
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a small disk can't be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.fault
def test_a_transcript_that_does_not_fit_stays_whole_where_it_is(
    server: LiveServer, trash: Path
) -> None:
    session = TerminalSession(server)
    session.exchange("a quokka", "x" * (2 << 20))
    body = session.file.read_bytes()
    eventually(lambda: server.client.get(session.path).status_code == 200, 10, "it is found")
    answer = server.client.delete(session.path)
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert server.client.get(session.path).status_code == 404
    assert session.file.read_bytes() == body
    assert [path for path in trash.rglob("*") if path.is_file()] == []
    assert "could not be moved to the trash" in server.log
