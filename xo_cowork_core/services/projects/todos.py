"""The todos of a project, as people change them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from xo_cowork_core.sdk import BadRequest, Conflict, NotFound
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.projects.project_files import XO, ProjectFiles, open_existing
from xo_cowork_core.services.projects.records import Record, read_record
from xo_cowork_core.services.projects.timeline import append_events, event
from xo_cowork_core.services.projects.todo_file import (
    FILE,
    MOST_CONTENT,
    MOST_DESCRIPTION,
    MOST_ROWS,
    PROJECT_LIST,
    Todo,
    TodoStatus,
    fresh_row,
    list_to_change,
    open_list,
    rows_of,
    save_list,
    todo_of,
)
from xo_cowork_core.storage.folder_handle import FolderHandle

# a todo, and the kinds of event that come of it
Changed: TypeAlias = tuple[Todo, Sequence[str]]


@dataclass(frozen=True, slots=True)
class TodoChange:
    """What to set; None leaves a field as it is."""

    content: str | None = None
    status: TodoStatus | None = None
    description: str | None = None
    active_form: str | None = None

    def checked(self) -> Record:
        """Return the fields to set. Raises BadRequest for a text that is too long or empty."""
        fields: Record = {}
        limits = {"content": MOST_CONTENT, "active_form": MOST_CONTENT}
        for name, most in (limits | {"description": MOST_DESCRIPTION}).items():
            text: str | None = getattr(self, name)
            if text is None:
                continue
            fields[name] = text.strip()
            if len(fields[name]) > most:
                raise BadRequest(f"`{name}` may have {most} characters")
        if fields.get("content") == "":
            raise BadRequest("`content` is empty")
        if self.status:
            fields["status"] = self.status
        return fields


class Todos:
    """Lists, adds, changes and removes."""

    def __init__(self, files: ProjectFiles, clock: Clock) -> None:
        self._files = files
        self._clock = clock

    async def list(self, project_id: str) -> Sequence[Todo]:
        """Return every todo, the project's own first. Raises NotFound."""

        def look(project: FolderHandle) -> list[Todo]:
            with open_existing(project, XO) as xo:
                record = (xo and read_record(xo, FILE)) or {}
            return [todo_of(key, row) for key, row in rows_of(record)]

        return await self._files.read(project_id, look)

    async def add(self, project_id: str, change: TodoChange) -> Todo:
        """Add one to the project's own list. Raises BadRequest, NotFound or Conflict."""
        fields = change.checked()
        if "content" not in fields:
            raise BadRequest("`content` is missing")

        def work(record: Record) -> Changed:
            rows: list[Record] = list_to_change(record, PROJECT_LIST, None)["todos"]
            if len(rows) >= MOST_ROWS:
                raise Conflict(f"This project has {MOST_ROWS} todos; remove some first")
            taken = {str(row["id"]) for _, row in rows_of(record)}
            row = fresh_row(fields["content"], "pending", taken=taken) | fields
            row["active_form"] = row["active_form"] or row["content"]
            rows.append(row)
            todo = todo_of(PROJECT_LIST, row)
            return todo, ["todo.added", *_completion("", todo)]

        return await self._change(project_id, work)

    async def update(self, project_id: str, todo_id: str, change: TodoChange) -> Todo:
        """Change one. Raises BadRequest or NotFound."""
        fields = change.checked()

        def work(record: Record) -> Changed:
            key, row = _find(record, todo_id)
            was = todo_of(key, row).status
            row.update(fields)
            todo = todo_of(key, row)
            return todo, _completion(was, todo)

        return await self._change(project_id, work)

    async def delete(self, project_id: str, todo_id: str) -> None:
        """Remove one. Raises NotFound."""

        def work(record: Record) -> Changed:
            key, row = _find(record, todo_id)
            rows: list[object] = record["sessions"][key]["todos"]
            rows[:] = [other for other in rows if other is not row]
            return todo_of(key, row), []

        await self._change(project_id, work)

    async def _change(self, project_id: str, work: Callable[[Record], Changed]) -> Todo:
        """Change the file, and say in the timeline what came of it."""

        def change(_: FolderHandle, xo: FolderHandle) -> Todo:
            record, now = open_list(xo), self._clock.now()
            todo, kinds = work(record)
            save_list(xo, record, now)
            told = [event(kind, now, todo.session_id, None, content=todo.content) for kind in kinds]
            append_events(xo, told)
            return todo

        return await self._files.change(project_id, change)


def _completion(was: str, todo: Todo) -> Sequence[str]:
    return ["todo.completed"] if todo.status == "completed" != was else []


def _find(record: Record, todo_id: str) -> tuple[str, Record]:
    for key, row in rows_of(record):
        if str(row["id"]) == todo_id:
            return key, row
    raise NotFound("Todo not found")
