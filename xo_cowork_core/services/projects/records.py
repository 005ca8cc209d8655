"""JSON objects in a folder: read whatever is there, write whole files.

A file that is no JSON object counts as absent when it is read; before it is written anew it is
moved aside, never overwritten.
"""

import errno
import logging
import time
from collections.abc import Mapping
from typing import Any, TypeAlias, cast

import orjson

from xo_cowork_core.storage.folder_handle import FolderHandle

MOST_BYTES = 32 << 20
Record: TypeAlias = dict[str, Any]
log = logging.getLogger("xo_cowork.projects")


def read_record(folder: FolderHandle, name: str) -> Record | None:
    """Return a file's object; None when there is none that can be read."""
    try:
        return _parsed(folder.read(name, MOST_BYTES))
    except OSError as error:
        log.warning("%s can't be read: %s", name, error.strerror)
        return None


def record_to_change(folder: FolderHandle, name: str) -> Record:
    """Return a file's object, or an empty one after a broken file was moved aside."""
    try:
        body = folder.read(name, MOST_BYTES)
    except OSError as error:
        if error.errno not in {errno.ELOOP, errno.EINVAL, errno.EISDIR, errno.EFBIG, errno.ENXIO}:
            # a disk's trouble is no reason to begin afresh
            raise
        body = b""
    found = _parsed(body)
    if found is not None and not _can_be_written(found):
        found = None
    if found is None and body is not None:
        aside = f"{name}.broken-{time.time_ns() // 1_000_000}"
        log.warning("%s is no JSON object; moved to %s", name, aside)
        folder.rename(name, aside)
    return found or {}


def write_record(folder: FolderHandle, name: str, record: Record, *, durable: bool = True) -> None:
    """Put a file in place, whole or not at all."""
    folder.replace(name, as_bytes(record), durable=durable)


def as_bytes(record: Record) -> bytes:
    """Return an object as its file has it."""
    return orjson.dumps(record, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def as_record(value: object) -> Record:
    """Return a value if it is an object, else an empty one."""
    return cast("Record", value) if isinstance(value, dict) else {}


def as_records(value: object) -> list[Record]:
    """Return the objects of a list; everything else in it is passed over."""
    rows = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Record", row) for row in rows if isinstance(row, dict)]


def one_line(text: str, max_characters: int) -> str:
    """Return a text as one line of at most `max_characters`."""
    return " ".join(text.split())[:max_characters]


def text_of(record: Mapping[str, Any], key: str) -> str:
    """Return a text field; what is no text counts as empty."""
    value: object = record.get(key)
    return value if isinstance(value, str) else ""


def count_of(record: Mapping[str, Any], key: str) -> float:
    """Return a number field; what is no number counts as 0."""
    value: object = record.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0


def _parsed(body: bytes | None) -> Record | None:
    if body is None:
        return None
    try:
        value: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return cast("Record", value) if isinstance(value, dict) else None


def _can_be_written(record: Record) -> bool:
    """Whether a file's object is no deeper than a file that is written may be."""
    try:
        as_bytes(record)
    except TypeError:
        return False
    return True
