"""`timeline.jsonl`: the events of a project, one JSON object per line, newest last.

At `MAX_BYTES` the file is renamed to `timeline-<number>.jsonl`, with a growing number, and the
newest `MAX_ROTATED` of those are kept. A cursor is such a number and an offset, and stays valid
while lines are added and files are rotated.
"""

import os
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import orjson

from xo_cowork_core.sdk import BadRequest
from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.projects.project_files import XO, ProjectFiles, open_existing
from xo_cowork_core.services.projects.records import Record, as_record
from xo_cowork_core.storage.folder_handle import FolderHandle, RegularFile

FILE = "timeline.jsonl"
ROTATED = re.compile(r"timeline-(\d{6,12})\.jsonl")
Cursor = tuple[int, int]
CURSOR = re.compile(r"(\d{1,12})-(\d{1,12})")
MAX_BYTES = 8 << 20
MAX_ROTATED = 5
BLOCK_BYTES = 64 << 10
MAX_LINE_BYTES = 1 << 20
APPEND = os.O_RDWR | os.O_CREAT | os.O_APPEND


class TimelinePage(NamedTuple):
    """Some events, newest first, and the cursor of the older ones; None when there are none."""

    events: Sequence[Record]
    next_cursor: str | None


class Timeline:
    """Reads the timelines of projects."""

    def __init__(self, files: ProjectFiles) -> None:
        self._files = files

    async def page(self, project_id: str, *, before: str | None, limit: int) -> TimelinePage:
        """Return up to `limit` events older than a cursor. Raises BadRequest or NotFound."""
        cursor = None if before is None else _parse_cursor(before)

        def work(project: FolderHandle) -> TimelinePage:
            with open_existing(project, XO) as xo:
                return read_page(xo, cursor, limit) if xo else TimelinePage([], None)

        return await self._files.read(project_id, work)


def new_event(
    kind: str, moment: datetime, session_id: str | None, runtime: str | None, **fields: object
) -> Record:
    """Return one event. `fields` must not have any content of a conversation."""
    head = {"ts": stamp(moment), "type": kind, "session_id": session_id, "runtime": runtime}
    return {**head, **fields}


def append_events(xo: FolderHandle, events: Sequence[Record]) -> None:
    """Append events to the file; a line that a crash cut short stays a line of its own."""
    if not events:
        return
    content = b"".join(orjson.dumps(event) + b"\n" for event in events)
    with xo.open_file(FILE, APPEND) as file:
        size = file.size
        if size and file.read_at(size - 1, 1) != b"\n":
            content = b"\n" + content
        file.write(content)
    if size + len(content) >= MAX_BYTES:
        _rotate(xo)


def read_page(xo: FolderHandle, cursor: Cursor | None, limit: int) -> TimelinePage:
    """Read backwards from a cursor, over as many files as needed.

    Starts again when the file was rotated meanwhile, since it may have been skipped.
    """
    while True:
        numbers = sorted(_rotated(xo), reverse=True)
        page = _page(xo, numbers, cursor, limit)
        if max(_rotated(xo), default=0) == max(numbers, default=0):
            return page


def _page(
    xo: FolderHandle, numbers: Sequence[int], start: Cursor | None, limit: int
) -> TimelinePage:
    events: list[Record] = []
    next_cursor = ""
    current = (numbers[0] if numbers else 0) + 1
    for number in [current, *numbers]:
        if start and number > start[0]:
            continue
        name = FILE if number == current else _name(number)
        end = start[1] if start and number == start[0] else None
        for offset, event in _events_before(xo, name, end):
            if len(events) == limit:
                return TimelinePage(events, next_cursor)
            events.append(event)
            next_cursor = f"{number}-{offset}"
    return TimelinePage(events, None)


def _events_before(xo: FolderHandle, name: str, end: int | None) -> Iterator[tuple[int, Record]]:
    try:
        with xo.open_file(name) as file:
            for offset, line in _lines_before(file, file.size if end is None else end):
                if parsed := _parsed(line):
                    yield offset, parsed
    except FileNotFoundError:
        return


def _lines_before(file: RegularFile, end: int) -> Iterator[tuple[int, bytes]]:
    """Yield offset and text of each line that ends before `end`, the last line first."""
    rest = b""
    position = min(end, file.size)
    while position > 0:
        start = max(0, position - BLOCK_BYTES)
        first, *lines = (file.read_at(start, position - start) + rest).split(b"\n")
        offset = position + len(rest)
        for line in reversed(lines):
            offset -= len(line)
            yield offset, line
            offset -= 1
        # a line that is too long is not an event: it is skipped
        rest = first if len(first) <= MAX_LINE_BYTES else b""
        position = start
    if rest:
        yield 0, rest


def _parsed(line: bytes) -> Record | None:
    try:
        event = as_record(orjson.loads(line))
    except orjson.JSONDecodeError:
        return None
    is_event = isinstance(event.get("ts"), str) and isinstance(event.get("type"), str)
    return event if is_event else None


def _rotate(xo: FolderHandle) -> None:
    numbers = sorted(_rotated(xo))
    xo.rename(FILE, _name((numbers[-1] if numbers else 0) + 1))
    for number in numbers[: max(0, len(numbers) + 1 - MAX_ROTATED)]:
        xo.remove(_name(number))


def _rotated(xo: FolderHandle) -> list[int]:
    matches = (ROTATED.fullmatch(entry.name) for entry in xo.entries())
    return [int(match[1]) for match in matches if match]


def _name(number: int) -> str:
    return f"timeline-{number:06}.jsonl"


def _parse_cursor(cursor: str) -> Cursor:
    match = CURSOR.fullmatch(cursor)
    if match is None:
        raise BadRequest("`before` must be the `next_cursor` of an earlier answer")
    return int(match[1]), int(match[2])
