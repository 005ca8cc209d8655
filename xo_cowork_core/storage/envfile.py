"""Env files: `KEY=value` lines. Nothing is interpolated; a change keeps comments and order."""

import io
import re
from collections.abc import Mapping
from pathlib import Path

from dotenv.parser import parse_stream
from filelock import FileLock, Timeout

from xo_cowork_core.storage.atomic import write_atomic

KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PLAIN = re.compile(r"[A-Za-z0-9_@%+:,./=-]+")
COMMENT = re.compile(r"[^\S\r\n]+#")
LOCK_SECONDS = 5.0


class EnvFileError(ValueError):
    """An entry that can't be written; the message names its key, never its value."""


def read_env_file(path: Path) -> Mapping[str, str]:
    """Return the entries of a file in its order; keys without a value are left out, and a file
    that is absent has none."""
    try:
        text = path.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return {}
    return _entries(text)


def write_env_entries(path: Path, values: Mapping[str, str]) -> None:
    """Set entries, each in its old line or behind the last one; the file is 0600 from its start.

    Raises EnvFileError and writes nothing for a bad entry, OSError when it can't be written.
    """
    lines = {key: _line(key, value) for key, value in values.items()}
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with FileLock(path.with_name(f"{path.name}.lock"), timeout=LOCK_SECONDS, mode=0o600):
            before = path.read_text("utf-8", errors="surrogateescape") if path.exists() else ""
            text = _with_lines(before, lines)
            write_atomic(path.resolve(), text.encode("utf-8", errors="surrogateescape"))
    except Timeout:
        raise OSError("somebody else holds its lock") from None


def _with_lines(text: str, lines: Mapping[str, str]) -> str:
    bindings = list(parse_stream(io.StringIO(text)))
    # of equal keys the last one counts for every reader
    last = {found.key: place for place, found in enumerate(bindings)}
    parts: list[str] = []
    for place, found in enumerate(bindings):
        before = found.original.string
        fresh = lines.get(found.key) if found.key and last[found.key] == place else None
        parts.append(before if fresh is None else _replaced(before, fresh))
    body = "".join(parts)
    body += "" if not body or body.endswith("\n") else "\n"
    return body + "".join(f"{line}\n" for key, line in lines.items() if key not in last)


def _replaced(before: str, line: str) -> str:
    """Put a line in place of a binding's text, which holds the blank lines before it, too."""
    bare = before.lstrip()
    head = before[: len(before) - len(bare)]
    export = "export " if bare.startswith("export ") else ""
    return f"{head}{export}{line}{_comment(bare)}\n"


def _comment(bare: str) -> str:
    """Find a comment behind a value; a # in a quoted value begins none."""
    for found in COMMENT.finditer(bare):
        if _entries(bare[: found.start()]) == _entries(bare):
            return bare[found.start() :].rstrip("\r\n")
    return ""


def _line(key: str, value: str) -> str:
    if not KEY.fullmatch(key):
        raise EnvFileError(f"{key!r} is no name of an entry: letters, digits and _ only")
    if "\0" in value or len(f"{value}.".splitlines()) > 1:
        raise EnvFileError(f"The value of {key} must be one line")
    line = f"{key}={_spelt(value)}"
    if _entries(line) != {key: value}:
        raise EnvFileError(f"The value of {key} cannot be written to an env file")
    return line


def _spelt(value: str) -> str:
    if PLAIN.fullmatch(value) or not value:
        return value
    if "'" not in value:
        return f"'{value}'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _entries(text: str) -> Mapping[str, str]:
    found = parse_stream(io.StringIO(text))
    return {entry.key: entry.value for entry in found if entry.key and entry.value is not None}
