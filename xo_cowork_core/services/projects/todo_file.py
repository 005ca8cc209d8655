"""`todos.json`: the todos of a project's own list (`_project`) and of each session's list.

The functions change the file's own objects, so that keys and rows of other writers are kept; rows
that are not todos are skipped.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias, get_args

from xo_cowork_core.sdk import TodoItem
from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.projects.records import (
    Record,
    as_record,
    as_records,
    load_for_change,
    one_line,
    text_of,
    write_record,
)
from xo_cowork_core.storage.folder_handle import FolderHandle

FILE = "todos.json"
PROJECT_LIST = "_project"
MAX_CONTENT = 1000
MAX_DESCRIPTION = 4000
MAX_ROWS = 1000
MAX_SESSIONS = 300
TodoStatus: TypeAlias = Literal["pending", "in_progress", "completed", "cancelled", "blocked"]
STATUSES: Mapping[str, TodoStatus] = {status: status for status in get_args(TodoStatus)}


class Todo(NamedTuple):
    """One todo. `session_id` is None in the project's own list."""

    id: str
    content: str
    status: TodoStatus
    description: str
    active_form: str
    session_id: str | None = None


def rows_of(record: Record) -> Iterator[tuple[str, Record]]:
    """Yield each row with the key of its list, the project's own list first."""
    lists = as_record(record.get("sessions"))
    for key in sorted(lists, key=lambda key: key != PROJECT_LIST):
        for row in as_records(as_record(lists[key]).get("todos")):
            if row.get("id") is not None and text_of(row, "content"):
                yield key, row


def todo_of(key: str, row: Record) -> Todo:
    """Return the todo of a row."""
    return Todo(
        id=str(row["id"]),
        content=text_of(row, "content"),
        status=STATUSES.get(text_of(row, "status"), "pending"),
        description=text_of(row, "description"),
        active_form=text_of(row, "active_form") or text_of(row, "content"),
        session_id=None if key == PROJECT_LIST else key,
    )


def ensure_list(record: Record, key: str, runtime: str | None) -> Record:
    """Return one list's object, created when absent."""
    lists = as_record(record.get("sessions"))
    todo_list = as_record(lists.get(key)) or {"runtime": runtime}
    todo_list["todos"] = as_records(todo_list.get("todos"))
    lists[key] = todo_list
    record["sessions"] = lists
    return todo_list


def new_row(
    content: str,
    status: str,
    *,
    description: str = "",
    active_form: str = "",
    taken_ids: set[str],
) -> Record:
    """Return a new row; its id is added to `taken_ids`."""
    todo_id = secrets.token_hex(4)
    while todo_id in taken_ids:
        todo_id = secrets.token_hex(4)
    taken_ids.add(todo_id)
    return {
        "id": todo_id,
        "content": content,
        "status": status,
        "description": description,
        "active_form": active_form or content,
    }


def load_todos(xo: FolderHandle) -> Record:
    """Read the file in order to change it."""
    return load_for_change(xo, FILE)


def save_todos(xo: FolderHandle, record: Record, now: datetime, *, durable: bool = True) -> None:
    """Write the file; only the newest `MAX_SESSIONS` lists of sessions are kept."""
    lists = as_record(record.get("sessions"))
    for key in [key for key in lists if key != PROJECT_LIST][:-MAX_SESSIONS]:
        del lists[key]
    write_record(
        xo,
        FILE,
        {**record, "schema": 1, "updated_at": stamp(now), "sessions": lists},
        durable=durable,
    )


def replace_session_list(
    record: Record, session_id: str, runtime: str, items: Sequence[TodoItem]
) -> tuple[list[str], list[str]]:
    """Replace a session's list; return the contents of added and of newly completed todos.

    A row with the same content as before keeps its id and description.
    """
    lists = as_record(record.get("sessions"))
    # the newest list comes last, so that `save_todos` drops the oldest
    todo_list = as_record(lists.pop(session_id, None)) or {"runtime": runtime}
    record["sessions"] = lists
    lists[session_id] = todo_list
    previous_rows = {text_of(row, "content"): row for row in as_records(todo_list.get("todos"))}
    taken_ids = {str(row["id"]) for _, row in rows_of(record)}
    rows: list[Record] = []
    added: list[str] = []
    completed: list[str] = []
    for item in items[:MAX_ROWS]:
        content = one_line(item.content, MAX_CONTENT)
        row = previous_rows.pop(content, None)
        previous_status = text_of(row, "status") if row else ""
        if row is None:
            row = new_row(content, "pending", taken_ids=taken_ids)
            added.append(content)
        elif row.get("id") is None:
            row["id"] = new_row("", "", taken_ids=taken_ids)["id"]
        row["status"] = item.status if item.status in STATUSES else "pending"
        row["active_form"] = one_line(item.active_form, MAX_CONTENT) or content
        if row["status"] == "completed" and previous_status != "completed":
            completed.append(content)
        rows.append(row)
    todo_list["todos"] = rows
    return added, completed
