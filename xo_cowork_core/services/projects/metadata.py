"""`project.json`: a project's name, description and id. Written once, by the scaffold."""

import uuid
from datetime import datetime
from typing import NamedTuple

from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.projects.records import Record, one_line, read_record, text_of
from xo_cowork_core.services.workspace import project_id_from
from xo_cowork_core.storage.folder_handle import FolderHandle

FILE = "project.json"
# the `$id` of docs/schemas/project.schema.json
SCHEMA_ID = "urn:xo-cowork:project:1"
MAX_NAME_CHARACTERS = 200
MAX_DESCRIPTION_CHARACTERS = 4000


class ProjectMetadata(NamedTuple):
    """What lists show of a project. `created_at` is a time stamp, empty when unknown."""

    display_name: str
    description: str
    created_at: str


def read_metadata(xo: FolderHandle, project_id: str) -> ProjectMetadata | None:
    """Read a project's metadata; None when there is no readable file."""
    record = read_record(xo, FILE)
    if record is None:
        return None
    name = text_of(record, "display_name").strip() or text_of(record, "name").strip()
    return ProjectMetadata(
        name or project_id, text_of(record, "description"), text_of(record, "created_at")
    )


def new_metadata(
    name: str, display_name: str | None, description: str | None, now: datetime
) -> Record:
    """Return the metadata record of a new project that a person named `name`."""
    shown_name = one_line(display_name or "", MAX_NAME_CHARACTERS)
    return {
        "$schema": SCHEMA_ID,
        "schema": 1,
        # until a person or an agent changes the file
        "_template": True,
        "pid": str(uuid.uuid4()),
        "name": project_id_from(name),
        "display_name": shown_name or one_line(name, MAX_NAME_CHARACTERS),
        "description": (description or "").strip()[:MAX_DESCRIPTION_CHARACTERS],
        "owner_user_id": None,
        "created_at": stamp(now),
    }
