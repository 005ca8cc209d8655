"""Read history from disk when no gateway runs: databases, or the files of older versions.

An agent has `agents/<agent>/agent/openclaw-agent.sqlite` (`session_nodes`, one row a session;
`transcript_events`, one row a record, as JSON or compressed with zstd). Until the summer of 2026
it had `agents/<agent>/sessions/<id>.jsonl`, one record a line. Nothing is written.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import zstandard

from xo_cowork_core.sdk.kit import title_of
from xo_cowork_core.sdk.runtime.history import Message, SessionRecord
from xo_runtime_openclaw.gateway.frames import EMPTY, Row, read_json, row, text_of
from xo_runtime_openclaw.history.messages import messages_of, shown_text, time_of
from xo_runtime_openclaw.history.records import record_of

BUSY_SECONDS = 1.0
MAX_RECORDS = 100_000
MAX_RECORD_BYTES = 64 * 1024 * 1024
TITLE_RECORDS = 20
NODES = "SELECT session_key, current_session_id, entry_json, updated_at FROM session_nodes"
ONE_NODE = f"{NODES} WHERE current_session_id = ?1 OR substr(session_key, -length(?2)) = ?2"
EVENTS = (
    "SELECT event_json, event_zstd FROM transcript_events WHERE session_id = ? ORDER BY seq LIMIT ?"
)


class OfflineStore:
    """Reads OpenClaw's folder; unreadable files count as absent."""

    def __init__(self, home: Path) -> None:
        self._agents = home / "agents"
        self._entries: dict[Path, _FileEntry] = {}

    def sessions(self) -> Sequence[SessionRecord]:
        """Return every session of every agent."""
        self._entries = {path: entry for path in self._files() if (entry := self._read_entry(path))}
        records = {entry.record.session_id: entry.record for entry in self._entries.values()}
        for database in self._databases():
            for node in _nodes(database, NODES, ()):
                if record := record_of(node):
                    records[record.session_id] = record
        return list(records.values())

    def session(self, session_id: str) -> SessionRecord | None:
        """Return one session, or None."""
        for database in self._databases():
            for node in _nodes(database, ONE_NODE, _names(session_id)):
                return record_of(node)
        path = self._file(session_id)
        entry = self._read_entry(path) if path else None
        return entry.record if entry else None

    def messages(self, session_id: str) -> Sequence[Message] | None:
        """Return a session's messages, or None."""
        for database in self._databases():
            for node in _nodes(database, ONE_NODE, _names(session_id)):
                stored = text_of(node.get("sessionId"))
                return messages_of(_unwrapped(_events(database, stored, MAX_RECORDS)))
        path = self._file(session_id)
        return messages_of(_unwrapped(_lines(path, MAX_RECORDS))) if path else None

    def _databases(self) -> list[Path]:
        return sorted(self._agents.glob("*/agent/openclaw-agent.sqlite"))

    def _files(self) -> list[Path]:
        return sorted(self._agents.glob("*/sessions/*.jsonl"))

    def _file(self, session_id: str) -> Path | None:
        name = f"{session_id}.jsonl"
        # by name: the folder may hold thousands of files
        folders = sorted(self._agents.glob("*/sessions")) if Path(name).name == name else []
        return next((path for each in folders if (path := each / name).is_file()), None)

    def _read_entry(self, path: Path) -> "_FileEntry | None":
        """Read a file's first records, if it has changed."""
        try:
            status = path.stat()
        except OSError:
            return None
        state = (status.st_size, status.st_mtime_ns)
        entry = self._entries.get(path)
        if entry is None or entry.state != state:
            entry = _FileEntry(state, _file_record(path, status.st_mtime * 1000))
        return entry


class _FileEntry(NamedTuple):
    """The record of a file at this size and modification time."""

    state: tuple[int, int]
    record: SessionRecord


def _names(session_id: str) -> tuple[str, str]:
    """Return both ids of a session: the gateway's, and the host's after a re-creation."""
    return session_id, f":xo:again:{session_id}"


def _nodes(database: Path, query: str, values: tuple[str, ...]) -> list[Row]:
    """Return sessions as rows of the gateway's list."""
    return [
        {
            **(entry := row(read_json(stored))),
            "key": key,
            "sessionId": session_id,
            "updatedAt": updated or entry.get("updatedAt"),
        }
        for key, session_id, stored, updated in _select(database, query, values)
    ]


def _events(database: Path, session_id: str, limit: int) -> Iterator[Row]:
    for plain, packed in _select(database, EVENTS, (session_id, limit)):
        yield row(read_json(plain if plain is not None else _unpacked(packed)))


def _select(database: Path, query: str, values: tuple[str | int, ...]) -> list[tuple[object, ...]]:
    """Run a query on a database that another program owns.

    Without a write-ahead log there is no writer: it is opened as immutable, so that no file
    appears beside it. With one it is opened read-only, or the newest records would be missing.
    """
    log = database.with_name(database.name + "-wal")
    mode = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
    try:
        with closing(
            sqlite3.connect(f"file:{quote(str(database))}?{mode}", uri=True, timeout=BUSY_SECONDS)
        ) as opened:
            opened.execute("PRAGMA query_only = 1")
            return opened.execute(query, values).fetchall()
    except (sqlite3.Error, OSError):
        return []


def _unpacked(packed: object) -> bytes:
    if not isinstance(packed, bytes):
        return b""
    try:
        return zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_RECORD_BYTES)
    except zstandard.ZstdError:
        return b""


def _lines(path: Path, limit: int) -> Iterator[Row]:
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines):
                if number >= limit:
                    return
                yield row(read_json(line))
    except OSError:
        return


def _unwrapped(events: Iterator[Row]) -> Iterator[Row]:
    """Yield the messages of records, with the record's id, as the gateway does."""
    for event in events:
        message = row(event.get("message"))
        if event.get("type") == "message" and message:
            openclaw = {**row(message.get("__openclaw")), "id": event.get("id")}
            when = message.get("timestamp") or event.get("timestamp")
            yield {**message, "__openclaw": openclaw, "timestamp": when}


def _file_record(path: Path, changed: float) -> SessionRecord:
    head: Row = EMPTY
    title = ""
    for event in _lines(path, TITLE_RECORDS):
        if event.get("type") == "session":
            head = event
        title = title or _title(event)
    created = time_of(head) if head else time_of({"timestamp": changed})
    return SessionRecord(
        session_id=path.stem,
        title=title,
        directory=text_of(head.get("cwd")) or None,
        message_count=0,
        time_created=created,
        time_updated=time_of({"timestamp": changed}),
    )


def _title(event: Row) -> str:
    message = row(event.get("message"))
    if message.get("role") != "user":
        return ""
    content = message.get("content")
    if isinstance(content, list):
        content = next((text_of(row(block).get("text")) for block in content), "")
    text = shown_text(text_of(content))
    return title_of(text) if text else ""
