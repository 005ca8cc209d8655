"""`project.json`: who a project is. Written once, by the scaffold."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.projects.names import one_line, project_id
from xo_cowork_core.services.projects.records import Record, read_record, text_of
from xo_cowork_core.storage.folder import Folder

FILE = "project.json"
MOST_NAME = 200
MOST_DESCRIPTION = 4000


@dataclass(frozen=True, slots=True)
class ProjectMetadata:
    """What lists show. `created_at` is a time stamp, empty when nobody knows."""

    display_name: str
    description: str
    created_at: str


def read_metadata(xo: Folder, project_id: str) -> ProjectMetadata | None:
    """Read a project's card; None when there is none that can be read."""
    found = read_record(xo, FILE)
    if found is None:
        return None
    name = text_of(found, "display_name").strip() or text_of(found, "name").strip()
    return ProjectMetadata(
        name or project_id, text_of(found, "description"), text_of(found, "created_at")
    )


def new_metadata(
    name: str, display_name: str | None, description: str | None, now: datetime
) -> Record:
    """Make the card of a project that a person calls `name`."""
    shown = one_line(display_name or "", MOST_NAME) or one_line(name, MOST_NAME)
    return {
        "schema": 1,
        "pid": str(uuid.uuid4()),
        "name": project_id(name),
        "display_name": shown,
        "description": (description or "").strip()[:MOST_DESCRIPTION],
        "owner_user_id": None,
        "created_at": stamp(now),
    }
