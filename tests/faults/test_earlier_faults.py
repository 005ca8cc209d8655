"""Faults seen in older systems that only the size or the shape of the data shows."""

import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.answers import get_json
from tests.support.terminal_session import TerminalSession
from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually

MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with LiveServer() as running:
        yield running


@pytest.fixture
def chat(server: LiveServer) -> Chat:
    return Chat(server, "demo")


def memory(server: LiveServer) -> int:
    """Return the bytes that a server has in memory."""
    pages = Path(f"/proc/{server.pid}/statm").read_text().split()[1]
    return int(pages) * 4096


def highest_memory(server: LiveServer) -> int:
    """Return the most bytes that a server had in memory."""
    for line in Path(f"/proc/{server.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def test_prompts_whose_streams_nobody_opens_stay_out_of_memory(chat: Chat) -> None:
    filler = "x" * 500_000
    chat.run_turn(f"text {filler}")
    before = memory(chat.server)
    for number in range(60):
        chat.prompt(f"text {number} {filler}")
    eventually(lambda: chat.active() == [], 30, "the turns have ended")
    eventually(lambda: memory(chat.server) - before < 30 * MEGABYTE, 30, "memory is free again")


def test_a_client_that_reads_nothing_costs_no_memory(chat: Chat) -> None:
    turn = chat.prompt("long 100000")
    address = urlsplit(chat.server.base_url)
    with socket.create_connection((address.hostname or "", address.port or 0)) as connection:
        request = (
            f"GET /api/chat/stream/{turn.stream_id} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n"
        )
        connection.sendall(request.encode())
        before = memory(chat.server)
        eventually(lambda: chat.active() == [], 60, "the turn has ended")
        # the log itself holds at most 64 MB of a stream; a queue for each reader would add its own
        eventually(lambda: memory(chat.server) - before < 90 * MEGABYTE, 30, "little memory")
    assert chat.read(turn).terminal.event == "done"


def test_an_upload_passes_through_and_holds_up_no_other_request(server: LiveServer) -> None:
    get_json(server, "/health")
    before = highest_memory(server)
    files = {"file": ("big.bin", bytes(60 * MEGABYTE))}
    answer = server.client.post("/api/files/upload", files=files)
    assert answer.json()["size"] == 60 * MEGABYTE
    assert highest_memory(server) - before < 25 * MEGABYTE


def test_a_large_history_does_not_hold_up_the_start(server: LiveServer) -> None:
    folder = server.home / ".claude" / "projects" / "-old"
    template = TerminalSession(server, "template")
    for _ in range(150):
        template.add_exchange("What was it?", "It was this. " * 60)
    text = template.file.read_text()
    folder.mkdir(parents=True)
    server.terminate()
    for _ in range(150):
        session_id = str(uuid.uuid4())
        body = text.replace(template.session_id, session_id)
        (folder / f"{session_id}.jsonl").write_text(body)
    server.start()
    slowest = 0.0
    begun = time.monotonic()
    deadline = begun + 60
    while get_json(server, "/api/sessions")["total"] < 150:
        assert time.monotonic() < deadline
        started = time.monotonic()
        get_json(server, "/health")
        slowest = max(slowest, time.monotonic() - started)
    # a busy machine makes all of it slow; what reads in the event loop holds up for all of it
    assert slowest < max(1.0, (time.monotonic() - begun) / 3)


def test_a_moved_session_keeps_its_messages(chat: Chat) -> None:
    session_id = chat.run_turn("echo one").session_id
    place = chat.server.home / "elsewhere"
    place.mkdir()
    body = {"directory": str(place)}
    assert chat.http.patch(f"/api/sessions/{session_id}", json=body).status_code == 200
    assert len(chat.messages(session_id)) == 2
    chat.run_turn("echo two", session_id=session_id)
    assert [message["role"] for message in chat.messages(session_id)] == ["user", "assistant"] * 2


def test_a_project_with_an_underscore_has_its_sessions(server: LiveServer) -> None:
    project = server.projects / "my_proj"
    project.mkdir(parents=True)
    session = TerminalSession(server, "my_proj")
    # the folder's name as Claude Code writes it: every other character becomes a dash
    name = "".join(letter if letter.isalnum() else "-" for letter in str(project))
    session.file = server.home / ".claude" / "projects" / name / session.file.name
    session.file.parent.mkdir(parents=True)
    session.add_exchange("Which tree is it?")
    eventually(
        lambda: get_json(server, "/api/sessions", agent_id="my_proj")["total"] == 1,
        10,
        "it is listed",
    )
    page = get_json(server, f"/api/messages/{session.session_id}")
    assert [message["text"] for message in page["messages"]] == ["Which tree is it?", "Yes."]
