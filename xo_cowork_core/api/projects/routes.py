"""Projects (contract §4)."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Body as JsonBody
from fastapi import Query, Response

from xo_cowork_core.api.dependencies import ServicesDep
from xo_cowork_core.api.lazy_route import lazy_router
from xo_cowork_core.api.models import OkResponse, response_example
from xo_cowork_core.api.pagination import Number, page_number
from xo_cowork_core.api.projects import MEMORY_PATH, PROJECTS_PATH, schemas
from xo_cowork_core.api.usage.examples import REPORT
from xo_cowork_core.api.usage.routes import labels_of, report_response
from xo_cowork_core.api.usage.schemas import UsageReport
from xo_cowork_core.api.usage.serializers import usage_report
from xo_cowork_core.api.usage.window import days_of
from xo_cowork_core.sdk import BadRequest
from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.connectors.project_access import ProjectAccess
from xo_cowork_core.services.projects.activity_file import OpenSession
from xo_cowork_core.services.projects.memory import Memory
from xo_cowork_core.services.projects.projects import Project
from xo_cowork_core.services.projects.todo_file import Todo
from xo_cowork_core.services.projects.todos import TodoChange
from xo_cowork_core.services.projects.tree import TreeLevel

router = lazy_router()
Workspace = Annotated[str | None, Query()]
MAX_EVENTS = 500


@router.get(PROJECTS_PATH)
async def list_projects(services: ServicesDep) -> schemas.ProjectList:
    """List the projects, including folders without a scaffold."""
    rows = [_project_row(project) for project in await services.projects.list()]
    return schemas.ProjectList(items=rows, total=len(rows))


@router.get(PROJECTS_PATH + "/{project_id}/tree")
async def read_tree(
    project_id: str, services: ServicesDep, relative_path: Annotated[str | None, Query()] = None
) -> schemas.TreeLevel:
    """List one folder of a project."""
    level = await services.projects.read_level(project_id, relative_path or "")
    return schemas.TreeLevel(
        project_id=project_id,
        relative_path=level.relative_path,
        parent_relative_path=level.parent,
        dirs=_items(level, level.dirs),
        files=_items(level, level.files),
    )


@router.get(PROJECTS_PATH + "/{project_id}/todos")
async def list_todos(project_id: str, services: ServicesDep) -> schemas.TodoList:
    """List a project's todos."""
    todos = await services.projects.todos.list(project_id)
    return schemas.TodoList(todos=[_todo_row(todo) for todo in todos])


@router.post(PROJECTS_PATH + "/{project_id}/todos", status_code=201)
async def add_todo(
    project_id: str, body: schemas.NewTodoRequest, services: ServicesDep
) -> schemas.TodoRow:
    """Add a todo to the project's own list."""
    return _todo_row(await services.projects.todos.add(project_id, _change(body)))


@router.patch(PROJECTS_PATH + "/{project_id}/todos/{todo_id}")
async def update_todo(
    project_id: str, todo_id: str, body: schemas.TodoPatchRequest, services: ServicesDep
) -> schemas.TodoRow:
    """Change a todo."""
    return _todo_row(await services.projects.todos.update(project_id, todo_id, _change(body)))


@router.delete(PROJECTS_PATH + "/{project_id}/todos/{todo_id}")
async def delete_todo(project_id: str, todo_id: str, services: ServicesDep) -> OkResponse:
    """Remove a todo."""
    await services.projects.todos.delete(project_id, todo_id)
    return OkResponse(ok=True)


@router.get(PROJECTS_PATH + "/{project_id}/timeline")
async def read_timeline(
    project_id: str,
    services: ServicesDep,
    before: Annotated[str | None, Query()] = None,
    limit: Number = None,
) -> schemas.TimelinePage:
    """Return the events of a project, newest first."""
    count = min(page_number(limit, "limit", 50, least=1), MAX_EVENTS)
    page = await services.projects.timeline.page(project_id, before=before or None, limit=count)
    return schemas.TimelinePage(events=list(page.events), next_cursor=page.next_cursor)


@router.get(PROJECTS_PATH + "/{project_id}/activity")
async def read_activity(project_id: str, services: ServicesDep) -> schemas.ProjectActivity:
    """Return the sessions that have a running turn in this project."""
    sessions = await services.recorder.activity(project_id)
    return schemas.ProjectActivity(open_sessions=[_open_session(session) for session in sessions])


@router.get(PROJECTS_PATH + "/{project_id}/connectors")
async def read_connectors(project_id: str, services: ServicesDep) -> schemas.ProjectConnectors:
    """Return what a project's agents may get of the connectors."""
    await services.projects.check_exists(project_id)
    return _connectors(services.project_access.find(project_id))


@router.patch(PROJECTS_PATH + "/{project_id}/connectors")
async def update_connectors(
    project_id: str, body: schemas.ProjectConnectorsRequest, services: ServicesDep
) -> schemas.ProjectConnectors:
    """Change what a project's agents may get of the connectors, from their next turn on."""
    await services.projects.check_exists(project_id)
    access = await services.project_access.change(
        project_id, mcp=body.mcp, raw_tokens=body.raw_tokens
    )
    return _connectors(access)


@router.get(
    PROJECTS_PATH + "/{project_id}/usage",
    response_model=UsageReport,
    responses=response_example(REPORT),
)
async def read_usage(project_id: str, services: ServicesDep, days: Number = None) -> Response:
    """Return a project's usage."""
    window = days_of(days)
    await services.projects.check_exists(project_id)
    usage = await services.usage.window(window, agent_id=project_id)
    return report_response(usage_report(usage, await labels_of(services, usage)))


@router.get(MEMORY_PATH)
async def read_memory(
    services: ServicesDep, workspace: Workspace = None, workspace_path: Workspace = None
) -> schemas.WorkspaceMemory:
    """Return the memory that a project's agents share."""
    return _memory(await services.memory.read(workspace or workspace_path or ""))


@router.put(MEMORY_PATH)
async def write_memory(
    body: schemas.MemoryRequest,
    services: ServicesDep,
    workspace: Workspace = None,
    workspace_path: Workspace = None,
) -> schemas.WorkspaceMemory:
    """Replace the memory that a project's agents share."""
    text = body.content if body.memory is None else body.memory
    if text is None:
        raise BadRequest("`memory` is missing")
    named = workspace or workspace_path or body.workspace or body.workspace_path or ""
    return _memory(await services.memory.write(named, text))


@router.delete(MEMORY_PATH)
async def empty_memory(
    services: ServicesDep,
    body: Annotated[
        schemas.MemoryTarget | None, JsonBody(examples=[{"workspace": "my-project"}])
    ] = None,
    workspace: Workspace = None,
    workspace_path: Workspace = None,
) -> schemas.WorkspaceMemory:
    """Empty the project's facts; the other files of the memory stay."""
    target = body or schemas.MemoryTarget()
    named = workspace or workspace_path or target.workspace or target.workspace_path or ""
    return _memory(await services.memory.empty(named))


@router.get(MEMORY_PATH + "/list")
async def list_memories(services: ServicesDep) -> list[schemas.MemoryRow]:
    """List the beginning of every project's memory."""
    return [
        schemas.MemoryRow(
            project_id=preview.project_id,
            workspace_path=str(preview.workspace_path),
            memory=preview.text,
            content=preview.text,
            size=preview.size,
            time_updated=stamp(preview.time_updated) if preview.time_updated else None,
        )
        for preview in await services.memory.list()
    ]


def _project_row(project: Project) -> schemas.ProjectRow:
    return schemas.ProjectRow(
        id=project.id,
        display_name=project.metadata.display_name,
        description=project.metadata.description,
        created_at=project.metadata.created_at or None,
        unscaffolded=project.unscaffolded,
    )


def _connectors(access: ProjectAccess) -> schemas.ProjectConnectors:
    mcp = sorted(access.mcp) if isinstance(access.mcp, frozenset) else access.mcp
    return schemas.ProjectConnectors(mcp=mcp, raw_tokens=access.raw_tokens)


def _open_session(session: OpenSession) -> schemas.OpenSession:
    return schemas.OpenSession(
        session_id=session.session_id,
        runtime=session.runtime,
        agent=session.agent,
        opened_at=stamp(session.opened_at),
        last_activity_at=stamp(session.last_activity_at),
    )


def _change(body: schemas.NewTodoRequest | schemas.TodoPatchRequest) -> TodoChange:
    return TodoChange(body.content, body.status, body.description, body.active_form)


def _todo_row(todo: Todo) -> schemas.TodoRow:
    return schemas.TodoRow(
        id=todo.id,
        content=todo.content,
        status=todo.status,
        description=todo.description,
        active_form=todo.active_form,
        session_id=todo.session_id,
    )


def _items(level: TreeLevel, names: Sequence[str]) -> list[schemas.TreeItem]:
    head = f"{level.relative_path}/" if level.relative_path else ""
    return [schemas.TreeItem(name=name, relative_path=head + name) for name in names]


def _memory(memory: Memory) -> schemas.WorkspaceMemory:
    return schemas.WorkspaceMemory(
        memory=memory.text,
        content=memory.text,
        workspace_path=str(memory.workspace_path) if memory.workspace_path else None,
        time_updated=stamp(memory.time_updated) if memory.time_updated else None,
    )
