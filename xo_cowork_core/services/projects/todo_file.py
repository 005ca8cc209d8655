"""`todos.json`: the rows of a project's own list (`_project`) and of each session's.

Everything works on the file's own objects, so that keys and rows of other writers stay as they
are; rows that are no todos are passed over.
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias, get_args

from xo_cowork_core.sdk import TodoItem
from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.projects.records import (
    Record,
    as_record,
    as_records,
    one_line,
    record_to_change,
    text_of,
    write_record,
)
from xo_cowork_core.storage.folder_handle import FolderHandle

FILE = "todos.json"
PROJECT_LIST = "_project"
MOST_CONTENT = 1000
MOST_DESCRIPTION = 4000
MOST_ROWS = 1000
MOST_SESSIONS = 300
TodoStatus: TypeAlias = Literal["pending", "in_progress", "completed", "cancelled", "blocked"]
STATUSES: frozenset[str] = frozenset(get_args(TodoStatus))


@dataclass(frozen=True, slots=True)
class Todo:
    """One row. `session_id` is None for the project's own list."""

    id: str
    content: str
    status: str
    description: str
    active_form: str
    session_id: str | None = None


def rows_of(record: Record) -> Iterator[tuple[str, Record]]:
    """Yield each row with the key of its list, the project's own first."""
    lists = as_record(record.get("sessions"))
    for key in sorted(lists, key=lambda key: key != PROJECT_LIST):
        for row in as_records(as_record(lists[key]).get("todos")):
            if row.get("id") is not None and text_of(row, "content"):
                yield key, row


def todo_of(key: str, row: Record) -> Todo:
    """Read a row."""
    status = text_of(row, "status")
    return Todo(
        id=str(row["id"]),
        content=text_of(row, "content"),
        status=status if status in STATUSES else "pending",
        description=text_of(row, "description"),
        active_form=text_of(row, "active_form") or text_of(row, "content"),
        session_id=None if key == PROJECT_LIST else key,
    )


def list_to_change(record: Record, key: str, runtime: str | None) -> Record:
    """Return one list's object, made when absent."""
    lists = as_record(record.get("sessions"))
    found = as_record(lists.get(key)) or {"runtime": runtime}
    found["todos"] = as_records(found.get("todos"))
    lists[key] = found
    record["sessions"] = lists
    return found


def fresh_row(
    content: str, status: str, *, description: str = "", active_form: str = "", taken: set[str]
) -> Record:
    """Make a row with an id that no other has."""
    identity = secrets.token_hex(4)
    while identity in taken:
        identity = secrets.token_hex(4)
    taken.add(identity)
    return {
        "id": identity,
        "content": content,
        "status": status,
        "description": description,
        "active_form": active_form or content,
    }


def open_list(xo: FolderHandle) -> Record:
    """Read the file to change it."""
    return record_to_change(xo, FILE)


def save_list(xo: FolderHandle, record: Record, now: datetime, *, durable: bool = True) -> None:
    """Write the file; beyond `MOST_SESSIONS` the lists that came first are dropped."""
    lists = as_record(record.get("sessions"))
    for key in [key for key in lists if key != PROJECT_LIST][:-MOST_SESSIONS]:
        del lists[key]
    write_record(
        xo,
        FILE,
        {**record, "schema": 1, "updated_at": stamp(now), "sessions": lists},
        durable=durable,
    )


def replace_session(
    record: Record, session_id: str, runtime: str, items: Sequence[TodoItem]
) -> tuple[list[str], list[str]]:
    """Make a session's list what its agent says; return what is new in it and what is now done.

    A row is the same as before when its content is: it keeps its id and description.
    """
    lists = as_record(record.get("sessions"))
    # the newest comes last, so that `save_list` drops the oldest
    kept = as_record(lists.pop(session_id, None)) or {"runtime": runtime}
    record["sessions"] = lists
    lists[session_id] = kept
    before = {text_of(row, "content"): row for row in as_records(kept.get("todos"))}
    taken = {str(row["id"]) for _, row in rows_of(record)}
    rows: list[Record] = []
    added: list[str] = []
    done: list[str] = []
    for item in items[:MOST_ROWS]:
        content = one_line(item.content, MOST_CONTENT)
        row = before.pop(content, None)
        was = text_of(row, "status") if row else ""
        if row is None:
            row = fresh_row(content, "pending", taken=taken)
            added.append(content)
        elif row.get("id") is None:
            row["id"] = fresh_row("", "", taken=taken)["id"]
        row["status"] = item.status if item.status in STATUSES else "pending"
        row["active_form"] = one_line(item.active_form, MOST_CONTENT) or content
        if row["status"] == "completed" and was != "completed":
            done.append(content)
        rows.append(row)
    kept["todos"] = rows
    return added, done
