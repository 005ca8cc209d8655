"""History is read from disk while no gateway runs."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import zstandard

from xo_cowork_core.sdk.testing import Chat, LiveServer
from xo_cowork_core.sdk.testing.frames import Body
from xo_cowork_core.sdk.testing.history import parts_of, texts
from xo_cowork_core.sdk.testing.process_tree import eventually
from xo_runtime_openclaw.history.offline import OfflineStore

TODAY = "5b4da57a-a684-4e3b-8ab7-590e84094d1e"
OLDER = "68ad9865-e640-4317-986d-67457184d701"
AGAIN = "0b1e5c8e-3d57-4f0c-9a60-6d4f0f7f3a11"
SCHEMA = """
CREATE TABLE session_nodes (
  session_key TEXT PRIMARY KEY, current_session_id TEXT, entry_json TEXT, updated_at INTEGER);
CREATE TABLE transcript_events (
  session_id TEXT, seq INTEGER, event_json TEXT, event_zstd BLOB, PRIMARY KEY (session_id, seq));
"""
WHEN = 1795498272411


def message(number: str, **fields: Any) -> dict[str, Any]:
    return {"type": "message", "id": number, "message": {"timestamp": WHEN, **fields}}


def call(number: str, command: str) -> dict[str, Any]:
    return {"type": "toolCall", "id": number, "name": "exec", "arguments": {"command": command}}


TRANSCRIPT = [
    {
        "type": "session",
        "version": 4,
        "id": OLDER,
        "cwd": "/work/here",
        "timestamp": "2026-05-01T10:00:00Z",
    },
    message("u1", role="user", content="List it"),
    {"type": "model_change", "id": "x"},
    message(
        "a1",
        role="assistant",
        content=[{"type": "text", "text": "Looking."}, call("c1", "ls")],
        usage={"input": 10, "output": 2, "cacheRead": 1, "cost": {"total": 0.5}},
        model="m",
        provider="p",
        stopReason="toolUse",
    ),
    message(
        "t1",
        role="toolResult",
        toolCallId="c1",
        toolName="exec",
        content=[{"type": "text", "text": "a.txt"}],
    ),
    message(
        "a2",
        role="assistant",
        content=[{"type": "text", "text": "One file."}],
        usage={"input": 20, "output": 3},
        stopReason="stop",
    ),
]


def store(home: Path, key: str, session_id: str) -> Path:
    """Write a session into an agent's database, every other record packed."""
    database = home / ".openclaw" / "agents" / "main" / "agent" / "openclaw-agent.sqlite"
    database.parent.mkdir(parents=True, exist_ok=True)
    fresh = not database.exists()
    with closing(sqlite3.connect(database)) as connection, connection:
        if fresh:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(SCHEMA)
        entry = json.dumps(
            {"displayName": "Files here", "createdAt": WHEN, "spawnedCwd": "/work/here"}
        )
        connection.execute(
            "INSERT INTO session_nodes VALUES (?, ?, ?, ?)", (key, session_id, entry, WHEN + 5)
        )
        for number, event in enumerate(TRANSCRIPT):
            text = json.dumps(event)
            packed = zstandard.ZstdCompressor().compress(text.encode())
            row = (None, packed) if number % 2 else (text, None)
            connection.execute(
                "INSERT INTO transcript_events VALUES (?, ?, ?, ?)", (session_id, number, *row)
            )
    return database


def older(home: Path) -> Path:
    """Write a session as OpenClaw did until the summer of 2026."""
    file = home / ".openclaw" / "agents" / "main" / "sessions" / f"{OLDER}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(event) + "\n" for event in TRANSCRIPT))
    return file


@pytest.fixture
def server() -> Iterator[LiveServer]:
    """A server whose gateway is nowhere; its home can be filled before `start`."""
    environment = {
        "XO_PLUGINS": "runtime_openclaw",
        "OPENCLAW_GATEWAY_URL": "ws://127.0.0.1:9",
    }
    server = LiveServer(environment=environment)
    try:
        yield server
    finally:
        server.close()


def listed(chat: Chat, *session_ids: str) -> dict[str, Body]:
    """Wait until these sessions are on the list and return their rows."""

    def rows() -> dict[str, Body]:
        return {str(row["session_id"]): row for row in chat.sessions()}

    eventually(lambda: set(session_ids) <= set(rows()), 10, f"{session_ids} on the list")
    return rows()


def assert_transcript(chat: Chat, session_id: str) -> None:
    """Check that the session has the messages above."""
    messages = chat.messages(session_id)
    assert texts(messages, "user") == ["List it"]
    assert [part["text"] for part in parts_of(messages, "text")][1:] == ["Looking.", "One file."]
    tool = parts_of(messages, "tool")[0]
    assert (tool["tool"], tool["call_id"]) == ("bash", "c1")
    assert isinstance(state := tool["state"], dict)
    assert (state["status"], state["output"]) == ("completed", "a.txt")
    assert isinstance(end := messages[-1]["data"], dict)
    assert isinstance(tokens := end["tokens"], dict)
    assert (tokens["input"], tokens["output"], end["cost"]) == (30, 5, 0.5)


def test_sessions_of_a_database_are_listed_and_read(server: LiveServer) -> None:
    store(server.home, "agent:main:web:1", TODAY)
    server.start()
    chat = Chat(server, "openclaw")
    row = listed(chat, TODAY)[TODAY]
    assert (row["title"], row["directory"]) == ("Files here", "/work/here")
    assert_transcript(chat, TODAY)


def test_sessions_of_older_files_are_listed_and_read(server: LiveServer) -> None:
    older(server.home)
    server.start()
    chat = Chat(server, "openclaw")
    row = listed(chat, OLDER)[OLDER]
    assert (row["title"], row["directory"]) == ("List it", "/work/here")
    assert row["message_count"] == 2
    assert_transcript(chat, OLDER)


def test_an_older_file_that_grew_is_read_again(server: LiveServer) -> None:
    file = older(server.home)
    server.start()
    chat = Chat(server, "openclaw")
    assert listed(chat, OLDER)[OLDER]["message_count"] == 2
    with file.open("a") as grown:
        grown.write(json.dumps(message("u9", role="user", content="And now?")) + "\n")
    eventually(lambda: listed(chat, OLDER)[OLDER]["message_count"] == 3, 10, "the new message")


def test_an_id_is_no_path(server: LiveServer) -> None:
    older(server.home)
    offline = OfflineStore(server.home / ".openclaw")
    assert offline.messages(OLDER)
    for name in ("", ".", "*", f"../sessions/{OLDER}", f"x/{OLDER}", "\0"):
        assert offline.session(name) is None
        assert offline.messages(name) is None


def test_a_recreated_session_keeps_the_hosts_id(server: LiveServer) -> None:
    store(server.home, f"agent:main:xo:again:{AGAIN}", TODAY)
    server.start()
    chat = Chat(server, "openclaw")
    assert list(listed(chat, AGAIN)) == [AGAIN]
    assert_transcript(chat, AGAIN)


def test_reading_leaves_no_trace(server: LiveServer) -> None:
    database = store(server.home, "agent:main:web:1", TODAY)
    server.start()
    before = database.read_bytes()
    assert_transcript(Chat(server, "openclaw"), TODAY)
    assert [path.name for path in database.parent.iterdir()] == [database.name]
    assert database.read_bytes() == before


def test_records_in_a_write_ahead_log_are_seen(server: LiveServer) -> None:
    database = store(server.home, "agent:main:web:1", TODAY)
    with closing(sqlite3.connect(database)) as writer:
        more = json.dumps(message("u2", role="user", content="And now?"))
        with writer:
            writer.execute("INSERT INTO transcript_events VALUES (?, 99, ?, NULL)", (TODAY, more))
        server.start()
        assert texts(Chat(server, "openclaw").messages(TODAY), "user")[-1] == "And now?"


def test_broken_stores_are_passed_over(server: LiveServer) -> None:
    file = older(server.home)
    with file.open("ab") as log:
        log.write(b'{"type": "message", "message": {"role": "assis\n\xff\xfe\n')
        log.write(b'null\n[1]\n{"type": "message"}\n')
    broken = server.home / ".openclaw" / "agents" / "sick" / "agent" / "openclaw-agent.sqlite"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"not a database")
    torn = store(server.home, "agent:main:web:1", TODAY)
    with closing(sqlite3.connect(torn)) as connection, connection:
        connection.execute(
            "INSERT INTO transcript_events VALUES (?, 50, NULL, ?)", (TODAY, b"junk")
        )
        connection.execute(
            "INSERT INTO session_nodes VALUES ('agent:main:x', 'odd', 'no json', 'late')"
        )
    server.start()
    chat = Chat(server, "openclaw")
    listed(chat, TODAY, OLDER)
    assert_transcript(chat, OLDER)
    assert_transcript(chat, TODAY)
