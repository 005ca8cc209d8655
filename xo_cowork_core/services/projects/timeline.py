"""`timeline.jsonl`: what happened in a project, one JSON object a line, the newest last.

At `MOST_BYTES` the file becomes `timeline-<number>.jsonl`, with a number that only grows, and the
newest `KEPT` of those stay. A cursor is such a number and an offset: it stays true while lines
are added and files are rotated away.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from xo_cowork_core.sdk import BadRequest
from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.projects.project_files import XO, ProjectFiles, open_existing
from xo_cowork_core.services.projects.records import Record, as_record
from xo_cowork_core.storage.folder_handle import FolderHandle, RegularFile

FILE = "timeline.jsonl"
ROTATED = re.compile(r"timeline-(\d{6,12})\.jsonl")
CURSOR = re.compile(r"(\d{1,12})-(\d{1,12})")
MOST_BYTES = 8 << 20
KEPT = 5
BLOCK_BYTES = 64 << 10
MOST_LINE_BYTES = 1 << 20
APPEND = os.O_RDWR | os.O_CREAT | os.O_APPEND


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Some events, newest first, and where the older ones begin; None when there are none."""

    events: Sequence[Record]
    next_cursor: str | None


class Timeline:
    """Reads."""

    def __init__(self, files: ProjectFiles) -> None:
        self._files = files

    async def page(self, project_id: str, *, before: str | None, limit: int) -> TimelinePage:
        """Return up to `limit` events older than a cursor. Raises BadRequest or NotFound."""
        place = None if before is None else _place(before)

        def look(project: FolderHandle) -> TimelinePage:
            with open_existing(project, XO) as xo:
                return read_page(xo, place, limit) if xo else TimelinePage([], None)

        return await self._files.read(project_id, look)


def event(
    kind: str, moment: datetime, session_id: str | None, runtime: str | None, **fields: object
) -> Record:
    """Make one event. No content of a conversation may go into `fields`."""
    head = {"ts": stamp(moment), "type": kind, "session_id": session_id, "runtime": runtime}
    return {**head, **fields}


def append_events(xo: FolderHandle, events: Sequence[Record]) -> None:
    """Add events to the file; a line that a crash tore stays a line of its own."""
    if not events:
        return
    body = b"".join(orjson.dumps(one) + b"\n" for one in events)
    with xo.open_file(FILE, APPEND) as file:
        size = file.size
        if size and file.read_at(size - 1, 1) != b"\n":
            body = b"\n" + body
        file.write(body)
    if size + len(body) >= MOST_BYTES:
        _rotate(xo)


def read_page(xo: FolderHandle, place: tuple[int, int] | None, limit: int) -> TimelinePage:
    """Read backwards from a place, over as many files as it takes; again where the file was rotated
    meanwhile, which is then the one that was about to be read."""
    while True:
        numbers = sorted(_rotated(xo), reverse=True)
        page = _page(xo, numbers, place, limit)
        if max(_rotated(xo), default=0) == max(numbers, default=0):
            return page


def _page(
    xo: FolderHandle, numbers: Sequence[int], place: tuple[int, int] | None, limit: int
) -> TimelinePage:
    events: list[Record] = []
    cursor = ""
    current = (numbers[0] if numbers else 0) + 1
    for number in [current, *numbers]:
        if place and number > place[0]:
            continue
        name = FILE if number == current else _name(number)
        end = place[1] if place and number == place[0] else None
        for offset, found in _events_before(xo, name, end):
            if len(events) == limit:
                return TimelinePage(events, cursor)
            events.append(found)
            cursor = f"{number}-{offset}"
    return TimelinePage(events, None)


def _events_before(xo: FolderHandle, name: str, end: int | None) -> Iterator[tuple[int, Record]]:
    try:
        with xo.open_file(name) as file:
            for offset, line in _lines_before(file, file.size if end is None else end):
                if found := _parsed(line):
                    yield offset, found
    except FileNotFoundError:
        return


def _lines_before(file: RegularFile, end: int) -> Iterator[tuple[int, bytes]]:
    """Yield each line that ends before `end` with its offset, the last one first."""
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
        # a line without an end in sight is no event: forget it, but go on to what is before it
        rest = first if len(first) <= MOST_LINE_BYTES else b""
        position = start
    if rest:
        yield 0, rest


def _parsed(line: bytes) -> Record | None:
    try:
        found = as_record(orjson.loads(line))
    except orjson.JSONDecodeError:
        return None
    return (
        found if isinstance(found.get("ts"), str) and isinstance(found.get("type"), str) else None
    )


def _rotate(xo: FolderHandle) -> None:
    numbers = sorted(_rotated(xo))
    xo.rename(FILE, _name((numbers[-1] if numbers else 0) + 1))
    for number in numbers[: max(0, len(numbers) + 1 - KEPT)]:
        xo.remove(_name(number))


def _rotated(xo: FolderHandle) -> list[int]:
    found = (ROTATED.fullmatch(entry.name) for entry in xo.entries())
    return [int(match[1]) for match in found if match]


def _name(number: int) -> str:
    return f"timeline-{number:06}.jsonl"


def _place(cursor: str) -> tuple[int, int]:
    match = CURSOR.fullmatch(cursor)
    if match is None:
        raise BadRequest("`before` must be the `next_cursor` of an earlier answer")
    return int(match[1]), int(match[2])
