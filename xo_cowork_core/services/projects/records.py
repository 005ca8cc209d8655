"""JSON objects in files: tolerant reads, whole writes.

A file that is not a JSON object is read as absent; before it is replaced it is renamed, never
overwritten.
"""

import errno
import logging
import time
from collections.abc import Mapping
from typing import Any, TypeAlias, cast

import orjson

from xo_cowork_core.storage.folder_handle import FolderHandle

MAX_BYTES = 32 << 20
Record: TypeAlias = dict[str, Any]
log = logging.getLogger("xo_cowork.projects")


def read_record(folder: FolderHandle, name: str) -> Record | None:
    """Return a file's object; None when there is no readable one."""
    try:
        return _parsed(folder.read(name, MAX_BYTES))
    except OSError as error:
        log.warning("%s cannot be read: %s", name, error.strerror)
        return None


def load_for_change(folder: FolderHandle, name: str) -> Record:
    """Return a file's object; an empty one when absent, or after a broken file was renamed.

    Raises OSError when the disk fails.
    """
    try:
        content = folder.read(name, MAX_BYTES)
    except OSError as error:
        if error.errno not in {errno.ELOOP, errno.EINVAL, errno.EISDIR, errno.EFBIG, errno.ENXIO}:
            raise
        content = b""
    record = _parsed(content)
    if record is not None and not _is_writable(record):
        record = None
    if record is None and content is not None:
        broken_name = f"{name}.broken-{time.time_ns() // 1_000_000}"
        log.warning("%s is not a JSON object; renamed to %s", name, broken_name)
        folder.rename(name, broken_name)
    return record or {}


def write_record(folder: FolderHandle, name: str, record: Record, *, durable: bool = True) -> None:
    """Replace a file, whole or not at all."""
    folder.replace(name, as_bytes(record), durable=durable)


def as_bytes(record: Record) -> bytes:
    """Return the content of an object's file."""
    return orjson.dumps(record, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def as_record(value: object) -> Record:
    """Return a value if it is an object, else an empty object."""
    return cast("Record", value) if isinstance(value, dict) else {}


def as_records(value: object) -> list[Record]:
    """Return the objects of a list without its other values; empty for anything but a list."""
    rows = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Record", row) for row in rows if isinstance(row, dict)]


def one_line(text: str, max_characters: int) -> str:
    """Return a text as one line of at most `max_characters`."""
    return " ".join(text.split())[:max_characters]


def text_of(record: Mapping[str, Any], key: str) -> str:
    """Return a field if it is a string, else an empty string."""
    value: object = record.get(key)
    return value if isinstance(value, str) else ""


def count_of(record: Mapping[str, Any], key: str) -> float:
    """Return a field if it is a number, else 0."""
    value: object = record.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0


def _parsed(content: bytes | None) -> Record | None:
    if content is None:
        return None
    try:
        value: object = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return cast("Record", value) if isinstance(value, dict) else None


def _is_writable(record: Record) -> bool:
    """Return whether an object can be encoded: it may be nested too deeply."""
    try:
        as_bytes(record)
    except TypeError:
        return False
    return True
