"""Rollout files on disk: where a session's are, and the rows that still hold.

A session is one file, `rollout-<time>-<id>.jsonl`, in a folder by year, month and day. After an
edit there are further ones, `…-<id>_<revision>.jsonl`, each of which says in `history_base` up to
which row its predecessors hold. Everything unknown, torn or malformed is passed over.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

NAME = re.compile(
    r"rollout-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-"
    r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:_([0-9a-f-]{36}))?\.jsonl"
)
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
READ_TYPES = (b'"session_meta"', b'"event_msg"', b'"turn_context"', b'"token_usage_record"')
CALL_SIGNS = (b'_call",', b'_call"}')
HEAD_BYTES = 200
MAX_LINE_BYTES = 64 * 1024 * 1024
EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Row:
    """One line. `ordinal` is -1 in files of Codexes that didn't count."""

    kind: str
    ordinal: int
    time: datetime
    body: Mapping[str, Any]


def files_of(sessions: Path) -> dict[str, list[Path]]:
    """List every session's files, the oldest first. Scans folders."""
    found: dict[str, list[Path]] = {}
    for path in sorted(sessions.glob("*/*/*/rollout-*.jsonl"), key=_age):
        named = NAME.fullmatch(path.name)
        if named:
            found.setdefault(named.group(1), []).append(path)
    return found


def find_files(sessions: Path, session_id: str) -> list[Path]:
    """Find one session's files by their names, the oldest first."""
    if not ID.fullmatch(session_id):
        return []
    return sorted(sessions.glob(f"*/*/*/rollout-*-{session_id}*.jsonl"), key=_age)


def read_rows(files: Sequence[Path]) -> tuple[list[Row], int]:
    """Read the rows that hold, and how far the last file was read. Raises OSError."""
    rows: list[Row] = []
    end = 0
    for path in files:
        newer, end = read_on(path, 0)
        base = _base(newer)
        if base is not None:
            rows = [row for row in rows if row.ordinal < base]
            newer = [row for row in newer if row.kind != "session_meta"]
        rows += newer
    return rows, end


def read_on(path: Path, start: int) -> tuple[list[Row], int]:
    """Read a file's complete lines from `start` on, and say where they end. Raises OSError."""
    with path.open("rb") as file:
        file.seek(start)
        text = file.read()
    whole, _, _ = text.rpartition(b"\n")
    rows: list[Row] = []
    for line in whole.split(b"\n"):
        # most bytes are the model's own copy of the conversation, which isn't read
        if len(line) > MAX_LINE_BYTES or not any(kind in line[:HEAD_BYTES] for kind in READ_TYPES):
            continue
        row = _row(line)
        if row:
            rows.append(row)
    return rows, start + (len(whole) + 1 if whole else 0)


def calls_tool(files: Sequence[Path], turn_id: str) -> bool:
    """Say whether the model asked for a tool in a turn. Raises OSError.

    The call is on disk before the tool runs; the server's word of it may be lost with the server.
    """
    named = turn_id.encode()
    for path in files:
        for line in path.read_bytes().split(b"\n"):
            if named in line and any(sign in line[:HEAD_BYTES] for sign in CALL_SIGNS):
                return True
    return False


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


def _base(rows: Sequence[Row]) -> int | None:
    meta = next((row.body for row in rows if row.kind == "session_meta"), {})
    base = meta.get("history_base")
    end = base.get("end_ordinal_exclusive") if isinstance(base, Mapping) else None
    return end if isinstance(end, int) else None


def _age(path: Path) -> tuple[str, str]:
    named = NAME.fullmatch(path.name)
    # revisions are UUIDs of version 7: their order is that of time
    return (named.group(1), named.group(2) or "") if named else (path.name, "")


def _time(value: object) -> datetime:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return EPOCH
    return found if found.tzinfo else found.replace(tzinfo=UTC)
