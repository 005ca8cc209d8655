"""A trash on a disk that is full: the session is deleted all the same, and nothing is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.small_disk import small_disk
from tests.support.terminal_session import TerminalSession
from xo_cowork_core.sdk.testing import LiveServer, eventually


@pytest.fixture
def trash(server: LiveServer) -> Iterator[Path]:
    """The trash, with room for 1 MB."""
    with small_disk(server.state / "trash", "1m") as folder:
        yield folder


@pytest.mark.fault
def test_a_transcript_that_does_not_fit_stays_whole_where_it_is(
    server: LiveServer, trash: Path
) -> None:
    session = TerminalSession(server)
    session.add_exchange("a quokka", "x" * (2 << 20))
    body = session.file.read_bytes()
    eventually(lambda: server.client.get(session.path).status_code == 200, 10, "it is found")
    answer = server.client.delete(session.path)
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert server.client.get(session.path).status_code == 404
    assert session.file.read_bytes() == body
    assert [path for path in trash.rglob("*") if path.is_file()] == []
    assert "could not be moved to the trash" in server.log
