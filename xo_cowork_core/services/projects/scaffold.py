"""Writes a new project's first files."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.projects.metadata import FILE as METADATA_FILE
from xo_cowork_core.services.projects.metadata import new_metadata
from xo_cowork_core.services.projects.project_files import XO as XO_NAME
from xo_cowork_core.services.projects.records import Record, as_bytes
from xo_cowork_core.services.projects.stats_file import SCHEMA as STATS_SCHEMA
from xo_cowork_core.storage.folder_handle import FolderHandle

XO = PurePosixPath(XO_NAME)
PLACEHOLDER = re.compile(r"\{\{(display_name|description)\}\}")
TEMPLATE = Path(__file__).parent / "template"
NO_DESCRIPTION = "[TEMPLATE] What this is, in two sentences."


class ProjectTexts(NamedTuple):
    """The texts that a person entered for a new project; empty ones are derived from its name."""

    display_name: str | None = None
    description: str | None = None


def scaffold(project: FolderHandle, name: str, texts: ProjectTexts, now: datetime) -> None:
    """Fill an empty folder for the project that a person named `name`. Blocks."""
    metadata = new_metadata(name, texts.display_name, texts.description, now)
    values = {
        "display_name": str(metadata["display_name"]),
        "description": str(metadata["description"]) or NO_DESCRIPTION,
    }
    for path in _template_paths():
        text = (TEMPLATE / path).read_text("utf-8")
        # in one pass, so that a placeholder inside a value stays as it is
        text = PLACEHOLDER.sub(lambda match: values[match[1]], text)
        _write(project, path, text.encode("utf-8", "replace"))
    _write(project, PurePosixPath("memory/working/.gitkeep"), b"")
    for path, content in _empty_records(now):
        _write(project, XO / path, content)
    _write(project, XO / METADATA_FILE, as_bytes(metadata))


def _empty_records(now: datetime) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Yield the files of `.xo`, without the metadata, as they are before anything happened."""
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


def _template_paths() -> list[PurePosixPath]:
    return [PurePosixPath(path.relative_to(TEMPLATE)) for path in sorted(TEMPLATE.rglob("*.md"))]


def _write(project: FolderHandle, path: PurePosixPath, content: bytes) -> None:
    *folders, name = path.parts
    with project.descend(folders, make=True) as folder:
        folder.replace(name, content)
