"""Projects (contract §4)."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from xo_cowork_core.api.dependencies import ServicesDep
from xo_cowork_core.api.models import OkResponse, RequestModel, ResponseModel
from xo_cowork_core.api.pagination import Number, page_number
from xo_cowork_core.api.route_family import RouteFamily
from xo_cowork_core.api.sessions.schemas import answer
from xo_cowork_core.api.usage.routes import days_of, labels_of
from xo_cowork_core.api.usage.schemas import USAGE, UsageBody
from xo_cowork_core.api.usage.serializers import usage_body
from xo_cowork_core.sdk import BadRequest
from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.projects.activity_file import session_record
from xo_cowork_core.services.projects.memory import Memory
from xo_cowork_core.services.projects.projects import Project
from xo_cowork_core.services.projects.todo_file import Todo, TodoStatus
from xo_cowork_core.services.projects.todos import TodoChange
from xo_cowork_core.services.projects.tree import TreeLevel

PROJECTS_PATH = "/api/xo-projects"
MEMORY_PATH = "/api/workspace-memory"
router = APIRouter()
FAMILY = RouteFamily(
    name="projects",
    description="Projects: their files, todos, timeline, usage and memory.",
    router=router,
    prefixes=(PROJECTS_PATH, MEMORY_PATH),
)
Workspace = Annotated[str | None, Query()]
MOST_EVENTS = 500
Row = dict[str, Any]
EVENT: Row = {
    "ts": "2026-11-24T08:00:00.000+00:00",
    "type": "file.edited",
    "session_id": "0b6f4a6c-3d3b-4a1e-8f57-2b9f8f1f9a52",
    "runtime": "demo",
    "path": "demo/note.md",
}
OPEN: Row = {
    "session_id": "0b6f4a6c-3d3b-4a1e-8f57-2b9f8f1f9a52",
    "runtime": "demo",
    "agent": "my-project",
    "opened_at": "2026-11-24T08:00:00.000+00:00",
    "last_activity_at": "2026-11-24T08:00:01.000+00:00",
}
TODO: Row = {
    "id": "5f0c2a0e",
    "content": "Write the report",
    "status": "pending",
    "description": "",
    "active_form": "Writing the report",
    "session_id": None,
}


class ProjectRow(ResponseModel):
    """A folder under the projects root. `unscaffolded` ones have no card, so no time either."""

    id: str = Field(examples=["my-project"])
    display_name: str = Field(examples=["My project"])
    description: str = Field(examples=["What it is for"])
    created_at: str | None = Field(examples=["2026-11-24T08:00:00.000+00:00"])
    unscaffolded: bool = Field(examples=[False])


class ProjectList(ResponseModel):
    """All projects, by display name."""

    items: list[ProjectRow]
    total: int = Field(examples=[1])


class TreeItem(ResponseModel):
    """One entry."""

    name: str = Field(examples=["PLAN.md"])
    relative_path: str = Field(examples=["PLAN.md"])


class TreeBody(ResponseModel):
    """One level of a project's folder, without dotfiles."""

    project_id: str = Field(examples=["my-project"])
    relative_path: str = Field(examples=[""])
    parent_relative_path: str | None = Field(examples=[None])
    dirs: list[TreeItem]
    files: list[TreeItem]


class TodoRow(ResponseModel):
    """One todo. `session_id` is null in the project's own list."""

    id: str = Field(examples=["5f0c2a0e"])
    content: str = Field(examples=["Write the report"])
    status: TodoStatus = Field(examples=["pending"])
    description: str = Field(examples=[""])
    active_form: str = Field(examples=["Writing the report"])
    session_id: str | None = Field(examples=[None])


class TodoList(ResponseModel):
    """All todos of a project, its own first, then those of its sessions."""

    todos: list[TodoRow] = Field(examples=[[TODO]])


class TodoFields(RequestModel):
    """What both bodies of a todo may set."""

    status: TodoStatus | None = None
    description: str | None = None
    active_form: str | None = None


class NewTodoBody(TodoFields):
    """A new todo."""

    content: str = Field(examples=["Write the report"])


class TodoBody(TodoFields):
    """What to change of a todo."""

    content: str | None = Field(default=None, examples=["Write the report"])


class TimelineBody(ResponseModel):
    """Events, newest first. `next_cursor`, given as `before`, leads to the older ones."""

    events: list[Row] = Field(examples=[[EVENT]])
    next_cursor: str | None = Field(examples=["1-4096"])


class ActivityBody(ResponseModel):
    """The sessions with a running turn."""

    open_sessions: list[Row] = Field(examples=[[OPEN]])


class MemoryAnswer(ResponseModel):
    """A project's memory as one text, in both field names; empty where there is no project."""

    memory: str = Field(examples=["# Project facts\n"])
    content: str = Field(examples=["# Project facts\n"])
    workspace_path: str | None = Field(examples=["/home/coder/xo-projects/my-project"])
    time_updated: str | None = Field(examples=["2026-11-24T08:00:00.000+00:00"])


class MemoryBody(RequestModel):
    """The new text."""

    memory: str | None = Field(default=None, examples=["# Project facts\n"])
    content: str | None = None
    workspace: str | None = None


@router.get(PROJECTS_PATH)
async def list_projects(services: ServicesDep) -> ProjectList:
    """List the projects, folders without a scaffold among them."""
    rows = [_project_row(project) for project in await services.projects.list()]
    return ProjectList(items=rows, total=len(rows))


@router.get(PROJECTS_PATH + "/{project_id}/tree")
async def read_tree(
    project_id: str, services: ServicesDep, relative_path: Annotated[str | None, Query()] = None
) -> TreeBody:
    """List one folder of a project."""
    level = await services.projects.read_level(project_id, relative_path or "")
    return TreeBody(
        project_id=project_id,
        relative_path=level.relative_path,
        parent_relative_path=level.parent,
        dirs=_items(level, level.dirs),
        files=_items(level, level.files),
    )


@router.get(PROJECTS_PATH + "/{project_id}/todos")
async def list_todos(project_id: str, services: ServicesDep) -> TodoList:
    """List a project's todos."""
    todos = await services.projects.todos.list(project_id)
    return TodoList(todos=[_todo_row(todo) for todo in todos])


@router.post(PROJECTS_PATH + "/{project_id}/todos", status_code=201)
async def add_todo(project_id: str, body: NewTodoBody, services: ServicesDep) -> TodoRow:
    """Add a todo to the project's own list."""
    return _todo_row(await services.projects.todos.add(project_id, _change(body)))


@router.patch(PROJECTS_PATH + "/{project_id}/todos/{todo_id}")
async def update_todo(
    project_id: str, todo_id: str, body: TodoBody, services: ServicesDep
) -> TodoRow:
    """Change a todo."""
    return _todo_row(await services.projects.todos.update(project_id, todo_id, _change(body)))


@router.delete(PROJECTS_PATH + "/{project_id}/todos/{todo_id}")
async def delete_todo(project_id: str, todo_id: str, services: ServicesDep) -> OkResponse:
    """Remove a todo."""
    await services.projects.todos.delete(project_id, todo_id)
    return OkResponse()


@router.get(PROJECTS_PATH + "/{project_id}/timeline")
async def read_timeline(
    project_id: str,
    services: ServicesDep,
    before: Annotated[str | None, Query()] = None,
    limit: Number = None,
) -> TimelineBody:
    """Return what happened in a project, newest first."""
    most = min(page_number(limit, "limit", 50, least=1), MOST_EVENTS)
    page = await services.projects.timeline.page(project_id, before=before or None, limit=most)
    return TimelineBody(events=list(page.events), next_cursor=page.next_cursor)


@router.get(PROJECTS_PATH + "/{project_id}/activity")
async def read_activity(project_id: str, services: ServicesDep) -> ActivityBody:
    """Return the sessions that have a running turn in this project."""
    sessions = await services.recorder.activity(project_id)
    return ActivityBody(open_sessions=[session_record(session) for session in sessions])


@router.get(
    PROJECTS_PATH + "/{project_id}/usage",
    responses=answer(UsageBody, USAGE),
)
async def read_usage(project_id: str, services: ServicesDep, days: Number = None) -> Row:
    """Return a project's usage."""
    window = days_of(days)
    await services.projects.check_exists(project_id)
    usage = await services.usage.window(window, agent_id=project_id)
    return usage_body(usage, await labels_of(services, usage))


@router.get(MEMORY_PATH)
async def read_memory(services: ServicesDep, workspace: Workspace = None) -> MemoryAnswer:
    """Return what a project's agents remember of it."""
    return _memory(await services.memory.read(workspace or ""))


@router.put(MEMORY_PATH)
async def write_memory(
    body: MemoryBody, services: ServicesDep, workspace: Workspace = None
) -> MemoryAnswer:
    """Change what a project's agents remember of it."""
    text = body.content if body.memory is None else body.memory
    if text is None:
        raise BadRequest("`memory` is missing")
    return _memory(await services.memory.write(workspace or body.workspace or "", text))


def _project_row(project: Project) -> ProjectRow:
    return ProjectRow(
        id=project.id,
        display_name=project.metadata.display_name,
        description=project.metadata.description,
        created_at=project.metadata.created_at or None,
        unscaffolded=project.unscaffolded,
    )


def _change(body: NewTodoBody | TodoBody) -> TodoChange:
    return TodoChange(body.content, body.status, body.description, body.active_form)


def _todo_row(todo: Todo) -> TodoRow:
    return TodoRow.model_validate(todo, from_attributes=True)


def _items(level: TreeLevel, names: Any) -> list[TreeItem]:
    head = f"{level.relative_path}/" if level.relative_path else ""
    return [TreeItem(name=name, relative_path=head + name) for name in names]


def _memory(found: Memory) -> MemoryAnswer:
    return MemoryAnswer(
        memory=found.text,
        content=found.text,
        workspace_path=str(found.workspace_path) if found.workspace_path else None,
        time_updated=stamp(found.time_updated) if found.time_updated else None,
    )
