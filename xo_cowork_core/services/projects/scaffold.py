"""Makes a project's first files. What is there already stays as it is.

`project.json` comes last: a scaffold that was cut off leaves a folder without it, which the next
scaffold completes.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath

import orjson

from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.projects.card import MOST_NAME, fill_card, read_card
from xo_cowork_core.services.projects.files import XO, inside
from xo_cowork_core.services.projects.names import one_line
from xo_cowork_core.services.projects.records import Record
from xo_cowork_core.services.projects.stats import SCHEMA as STATS_SCHEMA
from xo_cowork_core.storage.folder import Folder

TEMPLATE = Path(__file__).parent / "template"
NO_DESCRIPTION = "[TEMPLATE] What this is, in two sentences."


def scaffold(
    project: Folder,
    xo: Folder,
    *,
    project_id: str,
    name: str,
    display_name: str | None,
    description: str | None,
    now: datetime,
) -> None:
    """Put every file in place that is not there yet. Blocks; the caller holds the lock."""
    words = {
        "{{display_name}}": one_line(display_name or name, MOST_NAME) or project_id,
        "{{description}}": (description or "").strip() or NO_DESCRIPTION,
    }
    for path in _texts():
        text = (TEMPLATE / path).read_text("utf-8")
        for mark, word in words.items():
            text = text.replace(mark, word)
        _put(project, path, text.encode("utf-8", "replace"))
    _put(project, PurePosixPath("memory/working/.gitkeep"), b"")
    for path, body in first_records(now):
        _put(xo, path, body)
    fill_card(xo, project_id, display_name, description, name=name, now=now)


def unscaffolded(folder: Path) -> bool:
    """Say whether this is a folder that a scaffold would complete. Blocks."""
    try:
        with (
            Folder.at(folder.parent) as root,
            root.folder(folder.name) as project,
            inside(project, XO) as xo,
        ):
            return xo is None or read_card(xo, folder.name) is None
    except OSError:
        return False


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
        option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        yield PurePosixPath(name), orjson.dumps(record, option=option)
    yield PurePosixPath("timeline.jsonl"), b""


def _texts() -> list[PurePosixPath]:
    found = sorted(TEMPLATE.rglob("*.md"))
    return [PurePosixPath(path.relative_to(TEMPLATE)) for path in found]


def _put(folder: Folder, path: PurePosixPath, body: bytes) -> None:
    *folders, name = path.parts
    with folder.below(tuple(folders), make=True) as inner:
        inner.create(name, body)
