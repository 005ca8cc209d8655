"""The stored rows of a turn: inserted when it is accepted, closed at the next start of the server
if the last one stopped during the turn."""

import logging
import sqlite3
from datetime import datetime

import orjson

from xo_cowork_core.sdk import (
    AgentError,
    Event,
    NotFound,
    PermissionRequest,
    PermissionResolved,
    Question,
    QuestionResolved,
    Turn,
)
from xo_cowork_core.sdk.kit import strip_context, title_of
from xo_cowork_core.sdk.runtime.history import FilePart, Message, TextPart
from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.eventlog.batches import Entry, EventBatch, entry_of, split
from xo_cowork_core.services.eventlog.log import insert_batches, read_entries
from xo_cowork_core.services.history.host_history import insert as insert_message
from xo_cowork_core.services.history.interrupted_answers import (
    InterruptedAnswer,
    insert_interrupted,
)
from xo_cowork_core.services.history.message_assembler import MessageAssembler
from xo_cowork_core.services.turns.interactions import REQUEST_EVENTS, RESOLVED_EVENTS

INTERRUPTED = AgentError("The server was restarted during this turn; send it again", "restart")
log = logging.getLogger("xo_cowork.turns")


def user_message(turn: Turn, now: datetime) -> Message:
    """Return the user's message of a turn, with its attachments."""
    files = [
        FilePart(file.name, str(file.path), file.file_id, file.size, file.mime_type)
        for file in turn.attachments
    ]
    return Message(f"{turn.stream_id}-u", "user", (TextPart(strip_context(turn.text)), *files), now)


def insert_turn(
    connection: sqlite3.Connection,
    turn: Turn,
    agent_name: str,
    message: Message,
    *,
    host_history: bool,
) -> None:
    """Store an accepted turn and its session; for the host's history also the user's `message`.

    Raises NotFound for a session that was deleted while the prompt was resolved.
    """
    _refuse_deleted(connection, turn.session_id)
    now = stamp(message.time_created)
    files = [part for part in message.parts if isinstance(part, FilePart)]
    connection.execute(
        "INSERT INTO streams (stream_id, session_id, agent_name, agent_id, text, attachments,"
        " host_history, started_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            turn.stream_id,
            turn.session_id,
            agent_name,
            turn.agent_id,
            turn.text.encode("utf-8", "replace").decode(),
            orjson.dumps(files).decode(),
            host_history,
            now,
        ),
    )
    _insert_session(connection, turn, agent_name, now)
    if host_history:
        insert_message(connection, turn.session_id, message)


def _refuse_deleted(connection: sqlite3.Connection, session_id: str) -> None:
    query = "SELECT 1 FROM session_flags WHERE session_id = ? AND deleted_at IS NOT NULL"
    if connection.execute(query, (session_id,)).fetchone():
        raise NotFound("Session not found")


def _insert_session(connection: sqlite3.Connection, turn: Turn, agent_name: str, now: str) -> None:
    connection.execute(
        "INSERT INTO sessions (session_id, agent_name, agent_id, directory, title, time_created,"
        " time_updated) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (session_id) DO UPDATE"
        " SET time_updated = MAX(time_updated, excluded.time_updated),"
        " directory = excluded.directory,"
        " agent_id = COALESCE(excluded.agent_id, agent_id),"
        " title = CASE WHEN reserved AND title = '' THEN excluded.title ELSE title END,"
        " reserved = 0",
        (
            turn.session_id,
            agent_name,
            turn.agent_id,
            str(turn.cwd),
            title_of(turn.text or ", ".join(file.name for file in turn.attachments)),
            now,
            now,
        ),
    )


def close_interrupted_turns(connection: sqlite3.Connection, now: datetime) -> int:
    """Close every turn that ran when the last server stopped; return how many."""
    rows = connection.execute(
        "SELECT stream_id, session_id, last_id, host_history, started_at FROM streams"
        " WHERE ended_at IS NULL"
    ).fetchall()
    for stream_id, session_id, last_id, host_history, started_at in rows:
        entries = read_entries(connection, stream_id)
        ending = [
            *_withdraw_requests(entries),
            _make_entry(INTERRUPTED, session_id),
        ]
        batch = EventBatch(last_id + 1, ending, terminal=True)
        insert_batches(connection, [(stream_id, batch)], stamp(now))
        connection.execute(
            "UPDATE streams SET cut = ? WHERE stream_id = ?", (last_id + 1, stream_id)
        )
        # entries on disk have no times: the answer began at the prompt or a little later
        prompted_at = datetime.fromisoformat(started_at)
        answer = _assemble(stream_id, [*entries, *ending], prompted_at)
        if host_history:
            insert_message(connection, session_id, answer)
            # the index reads the sessions whose time is later than its own
            connection.execute(
                "UPDATE sessions SET time_updated = MAX(time_updated, ?) WHERE session_id = ?",
                (stamp(now), session_id),
            )
        else:
            insert_interrupted(connection, session_id, InterruptedAnswer(prompted_at, now, answer))
    if rows:
        log.warning("the last server stopped during %d turns; they are closed now", len(rows))
    return len(rows)


def _assemble(stream_id: str, entries: list[Entry], prompted_at: datetime) -> Message:
    assembler = MessageAssembler(f"{stream_id}-a", prompted_at)
    for entry in entries:
        assembler.add(entry, prompted_at)
    return assembler.message()


def _withdraw_requests(entries: list[Entry]) -> list[Entry]:
    """Return entries that resolve the open requests, so that no client shows a form for them."""
    open_requests: dict[str, str] = {}
    for name, data in map(split, entries):
        if name in REQUEST_EVENTS:
            open_requests[orjson.loads(data)["call_id"]] = name
        elif name in RESOLVED_EVENTS:
            open_requests.pop(orjson.loads(data)["call_id"], None)
    return [_withdrawal(name, call_id) for call_id, name in open_requests.items()]


def _withdrawal(request_name: str, call_id: str) -> Entry:
    if request_name == Question.name:
        return _make_entry(QuestionResolved(call_id, "withdrawn"), "")
    decision = "deny" if request_name == PermissionRequest.name else "stop"
    return _make_entry(PermissionResolved(call_id, decision, "withdrawn"), "")


def _make_entry(event: Event, session_id: str) -> Entry:
    return entry_of(event.name, orjson.dumps(event.data(session_id)))
