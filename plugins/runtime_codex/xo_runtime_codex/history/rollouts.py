"""Rollout files: their names, and the rows that hold messages, tools and usage.

A session is one file, `rollout-<time>-<id>.jsonl`, in a folder by year, month and day. Each edit
creates a further file, `…-<id>_<revision>.jsonl`, and so does a fork. Such a file names its base
file in `history_base`, by revision or session id, with the row up to which the base is valid.
Unknown, torn and malformed rows are skipped.
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
LEGACY_EVENTS = frozenset(
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
CALL_MARKS = (b'_call",', b'_call"}')
HEAD_BYTES = 200
MAX_LINE_BYTES = 64 * 1024 * 1024
EPOCH = datetime.fromtimestamp(0, UTC)
Body = dict[str, Any]  # orjson returns it; an isinstance test for Mapping costs five times as much


class Row(NamedTuple):
    """One row. `ordinal` is -1 in files of older versions, which have none."""

    kind: str
    ordinal: int
    time: datetime
    body: Body


class Base(NamedTuple):
    """The file that another one continues, and the ordinal of its first row that is not valid."""

    rollout_id: str
    end: int


def rollout_id(path: Path) -> str | None:
    """Return the id by which other rollouts name this file; None for any other file."""
    match = NAME.fullmatch(path.name)
    return (match.group(2) or match.group(1)) if match else None


def session_of(path: Path) -> str:
    """Return the session id of a rollout file."""
    match = NAME.fullmatch(path.name)
    return match.group(1) if match else ""


def find_files(sessions: Path, session_id: str) -> list[Path]:
    """Return one session's files."""
    return sorted(sessions.rglob(f"rollout-*-{session_id}*.jsonl")) if is_id(session_id) else []


def is_id(text: str) -> bool:
    """Return whether a text has the form of a rollout id."""
    return ID.fullmatch(text) is not None


def whole_lines(path: Path) -> list[bytes]:
    """Return the complete lines of a file. Raises OSError."""
    return path.read_bytes().split(b"\n")[:-1]


def parse_line(line: bytes, *, is_legacy: bool = False) -> Row | None:
    """Return the row of a line, or None when it holds no part of the conversation.

    Most bytes of a file are the model's own input, which is not parsed; in `is_legacy` files it is,
    because nothing else holds the tool calls.
    """
    head = HEAD.search(line, 0, HEAD_BYTES)
    if head is None or len(line) > MAX_LINE_BYTES:
        return None
    kind, event = head.groups()
    events = READ_EVENTS | LEGACY_EVENTS if is_legacy else READ_EVENTS
    is_call = is_legacy and kind == b"response_item" and event in CALLS
    if kind not in READ_TYPES and not is_call and (kind != b"event_msg" or event not in events):
        return None
    return _row(line)


def base_of(row: Row) -> Base | None:
    """Return the base that the first `session_meta` names."""
    base = row.body.get("history_base")
    if not isinstance(base, dict):
        return None
    name, end = base.get("thread_id"), base.get("end_ordinal_exclusive")
    return Base(name, end) if isinstance(name, str) and isinstance(end, int) else None


def names_turn(files: Sequence[Path], turn_id: str) -> bool:
    """Return whether a whole row names a turn. Raises OSError."""
    return any(turn_id.encode() in line for path in files for line in whole_lines(path))


def calls_tool(files: Sequence[Path], turn_id: str) -> bool:
    """Return whether the model requested a tool in a turn. Raises OSError.

    Codex stores the call before the tool runs; the server's notification may be lost with it.
    """
    turn = turn_id.encode()
    return any(
        turn in line and any(mark in line[:HEAD_BYTES] for mark in CALL_MARKS)
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
        time = datetime.fromisoformat(value) if isinstance(value, str) else EPOCH
        # convert here, so that a time that UTC cannot express fails here and not in a list
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return EPOCH
