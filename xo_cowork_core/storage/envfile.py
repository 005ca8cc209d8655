"""Env files: `KEY=value` lines. Values are not interpolated; a change keeps comments and order.

python-dotenv parses. Its `set_key` does not write here: it drops `export` and the comment behind a
value, keeps a file's wider mode, sets one key at a time without a lock, and does not flush.
"""

import io
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from dotenv.parser import parse_stream

from xo_cowork_core.storage.atomic import write_atomic

KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PLAIN = re.compile(r"[A-Za-z0-9_@%+:,./=-]+")
COMMENT = re.compile(r"[^\S\r\n]+#")
LOCK_SECONDS = 5.0


class EnvFileError(ValueError):
    """An entry cannot be written; the message names its key, never its value."""


def read_env_file(path: Path) -> Mapping[str, str]:
    """Return a file's entries in their order, without keys that have no value; none when the file
    is absent."""
    try:
        text = path.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return {}
    return _entries(text)


def write_env_entries(path: Path, values: Mapping[str, str]) -> None:
    """Set entries, each in its existing line or at the end; the file has mode 0600.

    Raises EnvFileError for an entry that cannot be written, and OSError; then nothing has changed.
    """
    lines = {key: _line(key, value) for key, value in values.items()}
    _rewrite(path, lambda text: _with_lines(text, lines))


def delete_env_entries(path: Path, keys: Collection[str]) -> None:
    """Delete the entries of some keys; other lines stay unchanged. Raises OSError."""
    if path.exists():
        _rewrite(path, lambda text: _without_keys(text, keys))


def _rewrite(path: Path, change: Callable[[str], str]) -> None:
    from filelock import FileLock, Timeout  # noqa: PLC0415  # reading, as at the start, needs none

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with FileLock(path.with_name(f"{path.name}.lock"), timeout=LOCK_SECONDS, mode=0o600):
            before = path.read_text("utf-8", errors="surrogateescape") if path.exists() else ""
            after = change(before).encode("utf-8", errors="surrogateescape")
            write_atomic(path.resolve(), after)
    except Timeout:
        raise OSError("another program holds its lock") from None


def _with_lines(text: str, lines: Mapping[str, str]) -> str:
    bindings = list(parse_stream(io.StringIO(text)))
    # of equal keys, readers use the last
    last_index = {binding.key: index for index, binding in enumerate(bindings)}
    parts: list[str] = []
    for index, binding in enumerate(bindings):
        original = binding.original.string
        is_effective = binding.key and last_index[binding.key] == index
        line = lines.get(binding.key) if binding.key and is_effective else None
        parts.append(original if line is None else _replaced(original, line))
    text = "".join(parts)
    text += "" if not text or text.endswith("\n") else "\n"
    return text + "".join(f"{line}\n" for key, line in lines.items() if key not in last_index)


def _without_keys(text: str, keys: Collection[str]) -> str:
    bindings = parse_stream(io.StringIO(text))
    return "".join(binding.original.string for binding in bindings if binding.key not in keys)


def _replaced(original: str, line: str) -> str:
    """Replace a binding's text, which includes the blank lines before it."""
    bare = original.lstrip()
    head = original[: len(original) - len(bare)]
    export = "export " if bare.startswith("export ") else ""
    return f"{head}{export}{line}{_comment(bare)}\n"


def _comment(bare: str) -> str:
    """Return the comment behind a value; a # inside a quoted value is not one."""
    for match in COMMENT.finditer(bare):
        if _entries(bare[: match.start()]) == _entries(bare):
            return bare[match.start() :].rstrip("\r\n")
    return ""


def _line(key: str, value: str) -> str:
    if not KEY.fullmatch(key):
        raise EnvFileError(f"{key!r} cannot be the name of an entry: letters, digits and _ only")
    if "\0" in value or len(f"{value}.".splitlines()) > 1:
        raise EnvFileError(f"The value of {key} must be one line")
    line = f"{key}={_quoted(value)}"
    if _entries(line) != {key: value}:
        raise EnvFileError(f"The value of {key} cannot be written to an env file")
    return line


def _quoted(value: str) -> str:
    if PLAIN.fullmatch(value) or not value:
        return value
    if "'" not in value:
        return f"'{value}'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _entries(text: str) -> Mapping[str, str]:
    bindings = parse_stream(io.StringIO(text))
    return {
        binding.key: binding.value
        for binding in bindings
        if binding.key and binding.value is not None
    }
