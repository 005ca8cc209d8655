"""`project.json`: who a project is. Keys that this server doesn't know are kept."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.projects.names import one_line
from xo_cowork_core.services.projects.records import (
    Record,
    read_record,
    record_to_change,
    text_of,
    write_record,
)
from xo_cowork_core.storage.folder import Folder

FILE = "project.json"
MOST_NAME = 200
MOST_DESCRIPTION = 4000


@dataclass(frozen=True, slots=True)
class Card:
    """What lists show. `created_at` is a time stamp, empty when nobody knows."""

    display_name: str
    description: str
    created_at: str


def read_card(xo: Folder, project_id: str) -> Card | None:
    """Read a project's card; None when there is none that can be read."""
    found = read_record(xo, FILE)
    if found is None:
        return None
    name = text_of(found, "display_name").strip() or text_of(found, "name").strip()
    return Card(name or project_id, text_of(found, "description"), text_of(found, "created_at"))


def fill_card(
    xo: Folder,
    project_id: str,
    display_name: str | None,
    description: str | None,
    *,
    name: str,
    now: datetime,
) -> None:
    """Write the card, or what is missing in it; a display name or description that is given
    replaces the one that is there."""
    before = record_to_change(xo, FILE)
    defaults: Record = {
        "schema": 1,
        "pid": str(uuid.uuid4()),
        "name": project_id,
        "display_name": one_line(name, MOST_NAME) or project_id,
        "description": "",
        "owner_user_id": None,
        "created_at": stamp(now),
    }
    given: Record = {}
    if display_name is not None and (line := one_line(display_name, MOST_NAME)):
        given["display_name"] = line
    if description is not None:
        given["description"] = description.strip()[:MOST_DESCRIPTION]
    after = {**defaults, **before, **given}
    if after != before:
        write_record(xo, FILE, after)
