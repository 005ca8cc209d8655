"""The rows of a turn: written when it is accepted, closed at the next start if it was cut."""

import logging
import sqlite3
from datetime import datetime

import orjson

from xo_cowork_core.sdk import (
    AgentError,
    FilePart,
    Message,
    NotFound,
    PermissionRequest,
    PermissionResolved,
    Question,
    QuestionResolved,
    TextPart,
    Turn,
    shown,
    title_of,
)
from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.eventlog.batches import Entry, EventBatch, entry_of, split
from xo_cowork_core.services.eventlog.log import entries_of, insert_blocks
from xo_cowork_core.services.history.host_history import insert as insert_message
from xo_cowork_core.services.history.message_assembler import MessageAssembler
from xo_cowork_core.services.turns.answers import ASKED, RESOLVED

CUT = AgentError("The server was restarted during this turn; send it again", "restart")
log = logging.getLogger("xo_cowork.turns")


def user_message(turn: Turn, now: datetime) -> Message:
    """Return what the user said in a turn, with the files that came with it."""
    files = [
        FilePart(file.name, str(file.path), file.file_id, file.size, file.mime_type)
        for file in turn.attachments
    ]
    return Message(f"{turn.stream_id}-u", "user", (TextPart(shown(turn.text)), *files), now)


def insert_turn(
    connection: sqlite3.Connection,
    turn: Turn,
    agent_name: str,
    said: Message,
    *,
    host_history: bool,
) -> None:
    """Store an accepted turn, its session, and (for the host's history) what the user said.

    Raises NotFound for a session that was deleted since it was looked up.
    """
    _refuse_deleted(connection, turn.session_id)
    now = stamp(said.time_created)
    files = [part for part in said.parts if isinstance(part, FilePart)]
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
        insert_message(connection, turn.session_id, said)


def _refuse_deleted(connection: sqlite3.Connection, session_id: str) -> None:
    query = "SELECT 1 FROM session_flags WHERE session_id = ? AND deleted_at IS NOT NULL"
    if connection.execute(query, (session_id,)).fetchone():
        raise NotFound("Session not found")


def _insert_session(connection: sqlite3.Connection, turn: Turn, agent_name: str, now: str) -> None:
    connection.execute(
        "INSERT INTO sessions (session_id, agent_name, agent_id, directory, title, time_created,"
        " time_updated) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (session_id) DO UPDATE"
        " SET time_updated = excluded.time_updated, directory = excluded.directory,"
        " agent_id = COALESCE(excluded.agent_id, agent_id),"
        " title = CASE WHEN reserved AND title = '' THEN excluded.title ELSE title END,"
        " reserved = 0",
        (
            turn.session_id,
            agent_name,
            turn.agent_id,
            str(turn.cwd),
            title_of(turn.text),
            now,
            now,
        ),
    )


def close_interrupted_turns(connection: sqlite3.Connection, now: datetime) -> int:
    """End every turn that was running when the last server went away; say how many."""
    rows = connection.execute(
        "SELECT stream_id, session_id, last_id, host_history, started_at FROM streams"
        " WHERE ended_at IS NULL"
    ).fetchall()
    for stream_id, session_id, last_id, host_history, started_at in rows:
        entries = entries_of(connection, stream_id)
        ending = [*_withdrawals(entries), _entry(CUT.name, CUT.data(session_id))]
        insert_blocks(
            connection, [(stream_id, EventBatch(last_id + 1, ending, terminal=True))], stamp(now)
        )
        connection.execute(
            "UPDATE streams SET cut = ? WHERE stream_id = ?", (last_id + 1, stream_id)
        )
        if host_history:
            # entries on disk have no times: the answer began at the prompt or a little later
            prompted_at = datetime.fromisoformat(started_at)
            _keep(connection, session_id, stream_id, [*entries, *ending], prompted_at)
    if rows:
        log.warning("%d turns were cut by the last stop and are closed now", len(rows))
    return len(rows)


def _keep(
    connection: sqlite3.Connection,
    session_id: str,
    stream_id: str,
    entries: list[Entry],
    prompted_at: datetime,
) -> None:
    fold = MessageAssembler(f"{stream_id}-a", prompted_at)
    for entry in entries:
        fold.add(entry, prompted_at)
    insert_message(connection, session_id, fold.message())


def _withdrawals(entries: list[Entry]) -> list[Entry]:
    """Resolve what was still asked, so that no reader shows a dead form."""
    asked: dict[str, str] = {}
    for name, data in map(split, entries):
        if name in ASKED:
            asked[orjson.loads(data)["call_id"]] = name
        elif name in RESOLVED:
            asked.pop(orjson.loads(data)["call_id"], None)
    refusals = {PermissionRequest.name: "deny"}
    return [
        _entry(QuestionResolved.name, QuestionResolved(call_id, "withdrawn").data(""))
        if name == Question.name
        else _entry(
            PermissionResolved.name,
            PermissionResolved(call_id, refusals.get(name, "stop"), "withdrawn").data(""),
        )
        for call_id, name in asked.items()
    ]


def _entry(name: str, data: object) -> Entry:
    return entry_of(name, orjson.dumps(data))
