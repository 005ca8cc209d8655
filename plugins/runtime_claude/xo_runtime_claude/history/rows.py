"""Rows of a session file on disk, and the active branch of their tree.

Rows form a tree by `parentUuid`: a resume from an earlier point, or a second writer, leaves
inactive branches in the file. Unknown, incomplete and malformed lines are skipped.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from xo_cowork_core.sdk.kit import strip_context
from xo_cowork_core.sdk.runtime.history import FilePart
from xo_runtime_claude.attachments import mentioned_files, strip_mentions

HIDDEN_PREFIXES = ("<local-command-", "<task-notification>", "[Request interrupted by user")
HIDDEN_COMMANDS = frozenset({"/model"})  # the trace of `set_model`, which no user typed
COMMAND = re.compile(r"<command-name>\s*(.*?)\s*</command-name>", re.DOTALL)
COMMAND_ARGUMENTS = re.compile(r"<command-args>(.*?)</command-args>", re.DOTALL)
COMMAND_OUTPUT = re.compile(r"<local-command-stdout>(.*)</local-command-stdout>", re.DOTALL)
EPOCH = datetime.fromtimestamp(0, UTC)
MAX_LINE_BYTES = 64 * 1024 * 1024
Record = dict[
    str, Any
]  # as orjson makes it; an isinstance check for Mapping costs five times as much


class Row(NamedTuple):
    """One user, assistant or other row that takes part in the tree.

    `prompt` is the user's text, None for every other row. A named tuple costs a third of a frozen
    dataclass, and one is made for every line of every file.
    """

    kind: str
    id: str
    parent: str | None
    record: Record
    message: Record
    time: datetime
    prompt: str | None

    @property
    def blocks(self) -> list[Record]:
        """The content blocks; a bare string counts as one text block."""
        return _blocks(self.message)

    @property
    def files(self) -> list[FilePart]:
        """The files that came with the prompt: mentioned at its end, or images in it."""
        images = [
            FilePart("image", "", mime_type=str(block["source"].get("media_type") or ""))
            for block in self.blocks
            if block.get("type") == "image" and isinstance(block.get("source"), dict)
        ]
        return [*mentioned_files(_text_of(self.message)), *images]

    @property
    def command_output(self) -> str:
        """The output of one of the CLI's own commands; empty for every other row."""
        content = self.record.get("content") if self.kind == "system" else None
        match = COMMAND_OUTPUT.fullmatch(content) if isinstance(content, str) else None
        return match[1].strip() if match and _is_command(self.record) else ""

    @property
    def starts_turn(self) -> bool:
        """Whether a turn starts here: a user's, or one that the CLI starts by itself."""
        origin = self.record.get("turnOrigin")
        return self.prompt is not None or (self.kind == "user" and origin == "task_notification")


def read_rows(path: Path) -> list[Row]:
    """Read a session file. Sidechains (subagents) are left out."""
    rows: dict[str, Row] = {}
    for line in path.read_bytes().split(b"\n"):
        row = parse_line(line)
        if row and not row.record.get("isSidechain"):
            rows.setdefault(row.id, row)
    return list(rows.values())


def parse_line(line: bytes) -> Row | None:
    """Parse one line of a session file; None for a line that is no row of the tree."""
    # most bytes of a file are request dumps, which have no parent
    if b'"parentUuid"' not in line or len(line) > MAX_LINE_BYTES:
        return None
    return _row(line)


def active_branch(rows: Sequence[Row], cut: str | None = None) -> list[Row]:
    """Return the rows of the branch that ends at the newest row, or at the row `cut`.

    A row belongs to the branch when the prompt above it does: results of parallel tools are beside
    the chain of parents, not in it.
    """
    by_id = {row.id: index for index, row in enumerate(rows)}
    branch = _ancestors(rows, by_id, cut)
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
        if index <= last and (owner[index] < 0 or owner[index] in branch)
    ]


def _ancestors(rows: Sequence[Row], by_id: Mapping[str, int], cut: str | None) -> set[int]:
    """Return the indexes from the last row up to the root. A missing parent is replaced by the row
    before."""
    branch: set[int] = set()
    index = by_id.get(cut or "", len(rows) - 1)
    while index >= 0 and index not in branch:
        branch.add(index)
        row = rows[index]
        parent = row.parent or row.record.get("logicalParentUuid")
        if parent is None:
            break
        above = by_id.get(str(parent), index)
        index = above if above < index else index - 1
    return branch


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
        _prompt(record, message) if kind == "user" else _refused_command(record) or None,
    )


def _time(stamp: object) -> datetime:
    try:
        time = datetime.fromisoformat(stamp) if isinstance(stamp, str) else EPOCH
        if time.tzinfo is UTC:
            return time
        # in UTC, so that a time outside the calendar there fails here and not in a list
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return EPOCH


def _blocks(message: Record) -> list[Record]:
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    blocks = content if isinstance(content, list) else []
    return [block for block in blocks if isinstance(block, dict)]


def _prompt(record: Record, message: Record) -> str | None:
    """Return what a person wrote, empty for attachments alone; None for a row of another kind."""
    if record.get("isMeta") or record.get("isCompactSummary"):
        return None
    text = _text_of(message)
    if not text or text.startswith(HIDDEN_PREFIXES):
        return None
    whole = _command(text) if "<command-name>" in text else text
    without_mentions = strip_mentions(whole)
    prompt = strip_context(without_mentions).rstrip()
    return prompt if prompt or without_mentions != whole else None


def _is_command(record: Record) -> bool:
    return record.get("subtype") == "local_command"


def _refused_command(record: Record) -> str:
    """Return a command that the CLI refused: it makes no user's row of it."""
    content = record.get("content") if _is_command(record) else None
    return content if isinstance(content, str) and content.startswith("/") else ""


def _text_of(message: Record) -> str:
    texts = [text for block in _blocks(message) if isinstance(text := block.get("text"), str)]
    return "\n".join(texts).strip()


def _command(text: str) -> str:
    name, arguments = COMMAND.search(text), COMMAND_ARGUMENTS.search(text)
    if name is None or name.group(1) in HIDDEN_COMMANDS:
        return ""
    return f"{name.group(1)} {arguments.group(1).strip() if arguments else ''}".strip()
