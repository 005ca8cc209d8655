"""Makes a project's first files, in a folder that nobody sees yet."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath

from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.projects.metadata import FILE as CARD
from xo_cowork_core.services.projects.metadata import new_metadata
from xo_cowork_core.services.projects.project_files import XO as XO_NAME
from xo_cowork_core.services.projects.records import Record, as_bytes
from xo_cowork_core.services.projects.stats_file import SCHEMA as STATS_SCHEMA
from xo_cowork_core.storage.folder import Folder

XO = PurePosixPath(XO_NAME)
MARK = re.compile(r"\{\{(display_name|description)\}\}")
TEMPLATE = Path(__file__).parent / "template"
NO_DESCRIPTION = "[TEMPLATE] What this is, in two sentences."


def scaffold(
    project: Folder,
    name: str,
    *,
    display_name: str | None,
    description: str | None,
    now: datetime,
) -> None:
    """Fill an empty folder for the project that a person calls `name`. Blocks."""
    card = new_metadata(name, display_name, description, now)
    words = {
        "display_name": str(card["display_name"]),
        "description": str(card["description"]) or NO_DESCRIPTION,
    }
    for path in _texts():
        text = (TEMPLATE / path).read_text("utf-8")
        # at once, so that a mark in somebody's words stays what it is
        text = MARK.sub(lambda mark: words[mark[1]], text)
        _put(project, path, text.encode("utf-8", "replace"))
    _put(project, PurePosixPath("memory/working/.gitkeep"), b"")
    for path, body in first_records(now):
        _put(project, XO / path, body)
    _put(project, XO / CARD, as_bytes(card))


def first_records(now: datetime) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Yield the files of `.xo` beside the card, as they are when nothing has happened."""
    head = {"schema": 1, "updated_at": stamp(now)}
    rolling: Record = {"7d": {}, "30d": {}}
    records: dict[str, Record] = {
        "todos.json": {**head, "sessions": {}},
        "stats.json": {
            **head,
            "schema": STATS_SCHEMA,
            "rolling": rolling,
            "by_session": {},
            "by_runtime": {},
        },
        "activity.json": {**head, "open_sessions": []},
        "sync.json": head,
        "peers.json": {**head, "peers": []},
        "sessions/sessionslist.json": {},
    }
    for name, record in records.items():
        yield PurePosixPath(name), as_bytes(record)
    yield PurePosixPath("timeline.jsonl"), b""


def _texts() -> list[PurePosixPath]:
    found = sorted(TEMPLATE.rglob("*.md"))
    return [PurePosixPath(path.relative_to(TEMPLATE)) for path in found]


def _put(folder: Folder, path: PurePosixPath, body: bytes) -> None:
    *folders, name = path.parts
    with folder.below(tuple(folders), make=True) as inner:
        inner.replace(name, body)
