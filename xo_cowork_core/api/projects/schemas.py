"""The bodies of projects, their todos, timeline and memory."""

from pydantic import Field

from xo_cowork_core.api.models import JsonObject, RequestModel, ResponseModel
from xo_cowork_core.services.projects.todo_file import TodoStatus

EVENT = {
    "ts": "2026-11-24T08:00:00.000+00:00",
    "type": "file.edited",
    "session_id": "0b6f4a6c-3d3b-4a1e-8f57-2b9f8f1f9a52",
    "runtime": "demo",
    "path": "demo/note.md",
}
OPEN_SESSION = {
    "session_id": "0b6f4a6c-3d3b-4a1e-8f57-2b9f8f1f9a52",
    "runtime": "demo",
    "agent": "my-project",
    "opened_at": "2026-11-24T08:00:00.000+00:00",
    "last_activity_at": "2026-11-24T08:00:01.000+00:00",
}
TODO = {
    "id": "5f0c2a0e",
    "content": "Write the report",
    "status": "pending",
    "description": "",
    "active_form": "Writing the report",
    "session_id": None,
}


class ProjectRow(ResponseModel):
    """A folder under the projects root. An unscaffolded one has no metadata, and so no time."""

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


class TreeLevel(ResponseModel):
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


class TodoFieldsRequest(RequestModel):
    """What both bodies of a todo may set."""

    status: TodoStatus | None = None
    description: str | None = None
    active_form: str | None = None


class NewTodoRequest(TodoFieldsRequest):
    """A new todo."""

    content: str = Field(examples=["Write the report"])


class TodoPatchRequest(TodoFieldsRequest):
    """What to change of a todo."""

    content: str | None = Field(default=None, examples=["Write the report"])


class TimelinePage(ResponseModel):
    """Events, newest first. `next_cursor`, given as `before`, leads to the older ones."""

    events: list[JsonObject] = Field(examples=[[EVENT]])
    next_cursor: str | None = Field(examples=["1-4096"])


class OpenSession(ResponseModel):
    """A session with a running turn."""

    session_id: str
    runtime: str
    agent: str
    opened_at: str
    last_activity_at: str


class ProjectActivity(ResponseModel):
    """The sessions with a running turn."""

    open_sessions: list[OpenSession] = Field(examples=[[OPEN_SESSION]])


class WorkspaceMemory(ResponseModel):
    """A project's memory as one text, in both field names; empty where there is no project."""

    memory: str = Field(examples=["# Project facts\n"])
    content: str = Field(examples=["# Project facts\n"])
    workspace_path: str | None = Field(examples=["/home/coder/xo-projects/my-project"])
    time_updated: str | None = Field(examples=["2026-11-24T08:00:00.000+00:00"])


class MemoryRequest(RequestModel):
    """The new text."""

    memory: str | None = Field(default=None, examples=["# Project facts\n"])
    content: str | None = None
    workspace: str | None = None
