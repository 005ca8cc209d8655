"""Lists and changes a project's todos for people."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from xo_cowork_core.sdk import BadRequest, Conflict, NotFound
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.projects.project_files import XO, ProjectFiles, open_existing
from xo_cowork_core.services.projects.records import Record, read_record
from xo_cowork_core.services.projects.timeline import append_events, new_event
from xo_cowork_core.services.projects.todo_file import (
    FILE,
    MAX_CONTENT,
    MAX_DESCRIPTION,
    MAX_ROWS,
    PROJECT_LIST,
    Todo,
    TodoStatus,
    ensure_list,
    load_todos,
    new_row,
    rows_of,
    save_todos,
    todo_of,
)
from xo_cowork_core.storage.folder_handle import FolderHandle

# a todo, and the types of the timeline events that its change causes
ChangedTodo: TypeAlias = tuple[Todo, Sequence[str]]


class TodoChange(NamedTuple):
    """What to set; None leaves a field as it is."""

    content: str | None = None
    status: TodoStatus | None = None
    description: str | None = None
    active_form: str | None = None

    def checked(self) -> Record:
        """Return the fields to set. Raises BadRequest for a text that is too long or empty."""
        fields: Record = {}
        limits = {"content": MAX_CONTENT, "active_form": MAX_CONTENT}
        for name, most in (limits | {"description": MAX_DESCRIPTION}).items():
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
    """The todos of every project."""

    def __init__(self, files: ProjectFiles, clock: Clock) -> None:
        self._files = files
        self._clock = clock

    async def list(self, project_id: str) -> Sequence[Todo]:
        """Return every todo, the project's own first. Raises NotFound."""

        def work(project: FolderHandle) -> list[Todo]:
            with open_existing(project, XO) as xo:
                record = (xo and read_record(xo, FILE)) or {}
            return [todo_of(key, row) for key, row in rows_of(record)]

        return await self._files.read(project_id, work)

    async def add(self, project_id: str, change: TodoChange) -> Todo:
        """Add a todo to the project's own list. Raises BadRequest, NotFound or Conflict."""
        fields = change.checked()
        if "content" not in fields:
            raise BadRequest("`content` is missing")

        def work(record: Record) -> ChangedTodo:
            rows: list[Record] = ensure_list(record, PROJECT_LIST, None)["todos"]
            if len(rows) >= MAX_ROWS:
                raise Conflict(f"This project has {MAX_ROWS} todos; remove some first")
            taken_ids = {str(row["id"]) for _, row in rows_of(record)}
            row = new_row(fields["content"], "pending", taken_ids=taken_ids) | fields
            row["active_form"] = row["active_form"] or row["content"]
            rows.append(row)
            todo = todo_of(PROJECT_LIST, row)
            return todo, ["todo.added", *_completion("", todo)]

        return await self._change(project_id, work)

    async def update(self, project_id: str, todo_id: str, change: TodoChange) -> Todo:
        """Change a todo. Raises BadRequest or NotFound."""
        fields = change.checked()

        def work(record: Record) -> ChangedTodo:
            key, row = _find(record, todo_id)
            previous_status = todo_of(key, row).status
            row.update(fields)
            todo = todo_of(key, row)
            return todo, _completion(previous_status, todo)

        return await self._change(project_id, work)

    async def delete(self, project_id: str, todo_id: str) -> None:
        """Remove a todo. Raises NotFound."""

        def work(record: Record) -> ChangedTodo:
            key, row = _find(record, todo_id)
            rows: list[object] = record["sessions"][key]["todos"]
            rows[:] = [other for other in rows if other is not row]
            return todo_of(key, row), []

        await self._change(project_id, work)

    async def _change(self, project_id: str, work: Callable[[Record], ChangedTodo]) -> Todo:
        """Change the file, and add the events that follow to the timeline."""

        def change(_: FolderHandle, xo: FolderHandle) -> Todo:
            record, now = load_todos(xo), self._clock.now()
            todo, kinds = work(record)
            save_todos(xo, record, now)
            events = [
                new_event(kind, now, todo.session_id, None, content=todo.content) for kind in kinds
            ]
            append_events(xo, events)
            return todo

        return await self._files.change(project_id, change)


def _completion(previous_status: str, todo: Todo) -> Sequence[str]:
    return ["todo.completed"] if todo.status == "completed" != previous_status else []


def _find(record: Record, todo_id: str) -> tuple[str, Record]:
    for key, row in rows_of(record):
        if str(row["id"]) == todo_id:
            return key, row
    raise NotFound("Todo not found")
