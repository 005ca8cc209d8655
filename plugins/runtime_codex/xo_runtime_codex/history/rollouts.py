"""Rollout files: what their names say, and the rows in them that tell what happened.

A session is one file, `rollout-<time>-<id>.jsonl`, in a folder by year, month and day. Each edit
begins a further one, `…-<id>_<revision>.jsonl`, and a fork one of another session. Such a file
says in `history_base` which file it goes on from, by that one's revision or else its session, and
up to which row of it. Everything unknown, torn or malformed is passed over.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

NAME = re.compile(
    r"rollout-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-"
    r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:_([0-9a-f-]{36}))?\.jsonl"
)
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
HEAD = re.compile(rb'"type": ?"(\w+)"(?:, ?"payload": ?\{"type": ?"(\w+)")?')
READ_TYPES = frozenset({b"session_meta", b"turn_context", b"token_usage_record"})
READ_EVENTS = frozenset({b"item_completed", b"task_complete", b"turn_complete", b"turn_aborted"})
OLDER_EVENTS = frozenset(
    {b"task_started", b"user_message", b"agent_message", b"agent_reasoning", b"patch_apply_end"}
)
CALLS = frozenset(
    {
        b"function_call",
        b"function_call_output",
        b"custom_tool_call",
        b"custom_tool_call_output",
    }
)
CALL_SIGNS = (b'_call",', b'_call"}')
HEAD_BYTES = 200
MAX_LINE_BYTES = 64 * 1024 * 1024
EPOCH = datetime.fromtimestamp(0, UTC)
Body = dict[str, Any]  # as orjson makes it; asking for a Mapping costs five times as much


class Row(NamedTuple):
    """One line. `ordinal` is -1 in files of Codexes that didn't count."""

    kind: str
    ordinal: int
    time: datetime
    body: Body


class Base(NamedTuple):
    """Which file another goes on from, and the ordinal of its first row that no longer holds."""

    rollout_id: str
    end: int


def rollout_id(path: Path) -> str | None:
    """Return the name by which other rollouts call this one; None for any other file."""
    named = NAME.fullmatch(path.name)
    return (named.group(2) or named.group(1)) if named else None


def session_of(path: Path) -> str:
    """Return whose file a rollout is."""
    named = NAME.fullmatch(path.name)
    return named.group(1) if named else ""


def find_files(sessions: Path, session_id: str) -> list[Path]:
    """Find one session's files by their names."""
    return sorted(sessions.rglob(f"rollout-*-{session_id}*.jsonl")) if is_id(session_id) else []


def is_id(text: str) -> bool:
    """Say whether a text may name a rollout."""
    return ID.fullmatch(text) is not None


def whole_lines(path: Path) -> list[bytes]:
    """Read the lines that are written to their end. Raises OSError."""
    return path.read_bytes().split(b"\n")[:-1]


def parse_line(line: bytes, *, older: bool = False) -> Row | None:
    """Read a line that tells of the conversation; None for any other.

    Most bytes are the model's own copy of it, which isn't parsed, except in `older` files, where
    nothing else tells of tools.
    """
    head = HEAD.search(line, 0, HEAD_BYTES)
    if head is None or len(line) > MAX_LINE_BYTES:
        return None
    kind, event = head.groups()
    events = READ_EVENTS | OLDER_EVENTS if older else READ_EVENTS
    called = older and kind == b"response_item" and event in CALLS
    if kind not in READ_TYPES and not called and (kind != b"event_msg" or event not in events):
        return None
    return _row(line)


def base_of(row: Row) -> Base | None:
    """Read what a file goes on from out of its first `session_meta`."""
    base = row.body.get("history_base")
    if not isinstance(base, dict):
        return None
    name, end = base.get("thread_id"), base.get("end_ordinal_exclusive")
    return Base(name, end) if isinstance(name, str) and isinstance(end, int) else None


def calls_tool(files: Sequence[Path], turn_id: str) -> bool:
    """Say whether the model asked for a tool in a turn. Raises OSError.

    The call is on disk before the tool runs; the server's word of it may be lost with the server.
    """
    named = turn_id.encode()
    return any(
        named in line and any(sign in line[:HEAD_BYTES] for sign in CALL_SIGNS)
        for line in _lines(files)
    )


def _lines(files: Sequence[Path]) -> Iterator[bytes]:
    for path in files:
        yield from path.read_bytes().split(b"\n")


def _row(line: bytes) -> Row | None:
    try:
        record = orjson.loads(line)
    except ValueError:
        return None
    body = record.get("payload") if isinstance(record, dict) else None
    if not isinstance(record, dict) or not isinstance(body, dict):
        return None
    ordinal = record.get("ordinal")
    return Row(
        str(record.get("type")),
        ordinal if isinstance(ordinal, int) else -1,
        _time(record.get("timestamp")),
        body,
    )


def _time(value: object) -> datetime:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else EPOCH
        # in UTC, so that a time outside the calendar there fails here and not in a list
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return EPOCH
