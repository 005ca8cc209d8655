"""Changes by other programs, or at the same time, are listed in their final state."""

from typing import Any

import pytest

from tests.support.terminal_session import TerminalSession
from xo_cowork_core.sdk.testing import LiveServer, eventually


def texts(server: LiveServer, session: TerminalSession) -> list[str]:
    body = server.client.get(f"/api/messages/{session.session_id}").json()
    return [message["text"] for message in body.get("messages", [])]


def hits(server: LiveServer, word: str) -> int:
    return server.client.get(f"/api/sessions/search?q={word}").json()["total"]


def row(server: LiveServer, session: TerminalSession) -> dict[str, Any]:
    return server.client.get(session.path).json()


def test_a_transcript_written_over_in_its_place_is_read_again(server: LiveServer) -> None:
    session = TerminalSession(server)
    session.add_exchange("my secret okapi")
    eventually(lambda: len(texts(server, session)) == 2, 10, "it is read")
    # it grows, so that its reader is kept; its end stays as it is
    session.add_exchange("and more", "y" * 1000)
    eventually(lambda: len(texts(server, session)) == 4, 10, "it is read on")
    body = session.file.read_bytes()
    with session.file.open("r+b") as file:
        file.write(body.replace(b"okapi", b"tapir"))
    eventually(lambda: texts(server, session)[0] == "my secret tapir", 10, "the new words")
    eventually(lambda: hits(server, "okapi") == 0, 10, "the old words can't be found")
    eventually(lambda: hits(server, "tapir") == 1, 10, "the new words can be found")


@pytest.mark.parametrize(("place", "project"), [(".", None), ("~/elsewhere", None), ("", "kept")])
def test_a_moved_session_belongs_to_where_it_is_also_once_it_is_read_again(
    server: LiveServer, place: str, project: str | None
) -> None:
    (server.home / "elsewhere").mkdir(exist_ok=True)
    (server.projects / "kept").mkdir(exist_ok=True)
    session = TerminalSession(server, "left")
    (server.projects / "left").mkdir(exist_ok=True)
    session.add_exchange("one")
    eventually(lambda: row(server, session).get("agent_id") == "left", 10, "it is listed")
    place = place or str(server.projects / "kept")
    moved = server.client.patch(session.path, json={"directory": place}).json()
    assert moved["agent_id"] == project
    session.add_exchange("two")
    eventually(lambda: row(server, session)["message_count"] == 4, 10, "it is read again")
    again = row(server, session)
    assert (again["agent_id"], again["directory"]) == (moved["agent_id"], moved["directory"])
