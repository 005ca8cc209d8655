"""Rows of a session file on disk, and which of them are the living branch.

Rows form a tree by `parentUuid`: a resume from an earlier point, or a second writer, leaves dead
branches in the file. Everything unknown, torn or malformed is passed over.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from xo_cowork_core.sdk import FilePart, shown
from xo_runtime_claude import attachments as attached

HIDDEN = ("<local-command-", "<task-notification>", "[Request interrupted by user")
HIDDEN_COMMANDS = frozenset({"/model"})  # the trace of `set_model`, which no user typed
COMMAND = re.compile(r"<command-name>\s*(.*?)\s*</command-name>", re.DOTALL)
COMMAND_WORDS = re.compile(r"<command-args>(.*?)</command-args>", re.DOTALL)
ANSWER = re.compile(r"<local-command-stdout>(.*)</local-command-stdout>", re.DOTALL)
EPOCH = datetime.fromtimestamp(0, UTC)
MAX_LINE_BYTES = 64 * 1024 * 1024
Record = dict[str, Any]  # as orjson makes it; asking for a Mapping costs five times as much


class Row(NamedTuple):
    """One user, assistant or other row that takes part in the tree.

    `prompt` is what a person said here, empty for every other row. A named tuple: made for every
    line of every file, it costs a third of a frozen dataclass.
    """

    kind: str
    id: str
    parent: str | None
    record: Record
    message: Record
    time: datetime
    prompt: str

    @property
    def blocks(self) -> list[Record]:
        """The content blocks; a bare string counts as one text block."""
        return _blocks(self.message)

    @property
    def files(self) -> list[FilePart]:
        """What came with the prompt: behind its words, or as images in it."""
        images = [
            FilePart("image", "", mime_type=str(block["source"].get("media_type") or ""))
            for block in self.blocks
            if block.get("type") == "image" and isinstance(block.get("source"), dict)
        ]
        return [*attached.files_of(_words(self.message)), *images]

    @property
    def told(self) -> str:
        """What a command of the CLI itself answered."""
        content = self.record.get("content") if self.kind == "system" else None
        found = ANSWER.fullmatch(content) if isinstance(content, str) else None
        return found[1].strip() if found and _is_command(self.record) else ""

    @property
    def starts_turn(self) -> bool:
        """Say whether a turn starts here, a person's or one by itself."""
        origin = self.record.get("turnOrigin")
        return bool(self.prompt) or (self.kind == "user" and origin == "task_notification")


def read_rows(path: Path) -> list[Row]:
    """Read a session file. Sidechains (subagents) are left out."""
    rows: dict[str, Row] = {}
    for line in path.read_bytes().split(b"\n"):
        row = parse_line(line)
        if row and not row.record.get("isSidechain"):
            rows.setdefault(row.id, row)
    return list(rows.values())


def parse_line(line: bytes) -> Row | None:
    """Read one line of a session file; None for what has no place in the tree."""
    # most bytes of a file are request dumps, which have none
    if b'"parentUuid"' not in line or len(line) > MAX_LINE_BYTES:
        return None
    return _row(line)


def living(rows: Sequence[Row], cut: str | None = None) -> list[Row]:
    """Keep the branch that the newest row (or `cut`) belongs to.

    A row lives when the prompt above it does: results of parallel tools hang beside the line of
    parents, not on it.
    """
    by_id = {row.id: index for index, row in enumerate(rows)}
    line = _line_up(rows, by_id, cut)
    owner: list[int] = []
    for index, row in enumerate(rows):
        above = by_id.get(row.parent or "", -1)
        above = above if above < index else -1
        if row.starts_turn:
            owner.append(index)
        elif above >= 0:
            owner.append(owner[above])
        else:
            owner.append(owner[-1] if owner else -1)
    last = by_id.get(cut, len(rows)) if cut else len(rows)
    return [
        row
        for index, row in enumerate(rows)
        if index <= last and (owner[index] < 0 or owner[index] in line)
    ]


def _line_up(rows: Sequence[Row], by_id: Mapping[str, int], cut: str | None) -> set[int]:
    """Indexes from the newest row up to the root. A lost parent is replaced by the row before."""
    line: set[int] = set()
    index = by_id.get(cut or "", len(rows) - 1)
    while index >= 0 and index not in line:
        line.add(index)
        row = rows[index]
        parent = row.parent or row.record.get("logicalParentUuid")
        if parent is None:
            break
        above = by_id.get(str(parent), index)
        index = above if above < index else index - 1
    return line


def _row(line: bytes) -> Row | None:
    try:
        record = orjson.loads(line)
    except ValueError:
        return None
    if not isinstance(record, dict):
        return None
    identity, parent = record.get("uuid"), record.get("parentUuid")
    if not isinstance(identity, str):
        return None
    kind, message = str(record.get("type")), record.get("message")
    if not isinstance(message, dict):
        message = {}
    return Row(
        kind,
        identity,
        parent if isinstance(parent, str) else None,
        record,
        message,
        _time(record.get("timestamp")),
        _prompt(record, message) if kind == "user" else _typed(record),
    )


def _time(stamp: object) -> datetime:
    try:
        found = datetime.fromisoformat(stamp) if isinstance(stamp, str) else EPOCH
        if found.tzinfo is UTC:
            return found
        # in UTC, so that a time outside the calendar there fails here and not in a list
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return EPOCH


def _blocks(message: Record) -> list[Record]:
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    blocks = content if isinstance(content, list) else []
    return [block for block in blocks if isinstance(block, dict)]


def _prompt(record: Record, message: Record) -> str:
    if record.get("isMeta") or record.get("isCompactSummary"):
        return ""
    text = _words(message)
    if not text or text.startswith(HIDDEN):
        return ""
    said = _command(text) if "<command-name>" in text else text
    return shown(attached.without_mentions(said)).rstrip()


def _is_command(record: Record) -> bool:
    return record.get("subtype") == "local_command"


def _typed(record: Record) -> str:
    """Return a command that the CLI refused: it makes no user's row of it."""
    content = record.get("content") if _is_command(record) else None
    return content if isinstance(content, str) and content.startswith("/") else ""


def _words(message: Record) -> str:
    texts = [text for b in _blocks(message) if isinstance(text := b.get("text"), str)]
    return "\n".join(texts).strip()


def _command(text: str) -> str:
    name, words = COMMAND.search(text), COMMAND_WORDS.search(text)
    if name is None or name.group(1) in HIDDEN_COMMANDS:
        return ""
    return f"{name.group(1)} {words.group(1).strip() if words else ''}".strip()
