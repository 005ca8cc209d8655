"""The bodies of projects, their todos, timeline and memory."""

from typing import Annotated, TypeAlias

from pydantic import Field
from typing_extensions import TypedDict

from xo_cowork_core.api.models import JsonObject, RequestModel
from xo_cowork_core.services.projects.todo_file import TodoStatus

MAX_NAMES = 256
ConnectorName: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
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


class ProjectRow(TypedDict):
    """A folder under the projects root. An unscaffolded one has no metadata, and so no time."""

    id: Annotated[str, Field(examples=["my-project"])]
    display_name: Annotated[str, Field(examples=["My project"])]
    description: Annotated[str, Field(examples=["What it is for"])]
    created_at: Annotated[str | None, Field(examples=["2026-11-24T08:00:00.000+00:00"])]
    unscaffolded: Annotated[bool, Field(examples=[False])]


class ProjectList(TypedDict):
    """All projects, by display name."""

    items: list[ProjectRow]
    total: Annotated[int, Field(examples=[1])]


class TreeItem(TypedDict):
    """One entry."""

    name: Annotated[str, Field(examples=["PLAN.md"])]
    relative_path: Annotated[str, Field(examples=["PLAN.md"])]


class TreeLevel(TypedDict):
    """One level of a project's folder, without dotfiles."""

    project_id: Annotated[str, Field(examples=["my-project"])]
    relative_path: Annotated[str, Field(examples=[""])]
    parent_relative_path: Annotated[str | None, Field(examples=[None])]
    dirs: list[TreeItem]
    files: list[TreeItem]


class TodoRow(TypedDict):
    """One todo. `session_id` is null in the project's own list."""

    id: Annotated[str, Field(examples=["5f0c2a0e"])]
    content: Annotated[str, Field(examples=["Write the report"])]
    status: Annotated[TodoStatus, Field(examples=["pending"])]
    description: Annotated[str, Field(examples=[""])]
    active_form: Annotated[str, Field(examples=["Writing the report"])]
    session_id: Annotated[str | None, Field(examples=[None])]


class TodoList(TypedDict):
    """All todos of a project, its own first, then those of its sessions."""

    todos: Annotated[list[TodoRow], Field(examples=[[TODO]])]


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


class TimelinePage(TypedDict):
    """Events, newest first. `next_cursor`, given as `before`, leads to the older ones."""

    events: Annotated[list[JsonObject], Field(examples=[[EVENT]])]
    next_cursor: Annotated[str | None, Field(examples=["1-4096"])]


class OpenSession(TypedDict):
    """A session with a running turn."""

    session_id: str
    runtime: str
    agent: str
    opened_at: str
    last_activity_at: str


class ProjectActivity(TypedDict):
    """The sessions with a running turn."""

    open_sessions: Annotated[list[OpenSession], Field(examples=[[OPEN_SESSION]])]


class ProjectConnectors(TypedDict):
    """What a project's agents may get of the connectors.

    `mcp`: whether they may use connectors (their MCP servers, and their credentials for git), or
    the names of those that they may use. `raw_tokens`: whether tokens of connectors are put into
    their environment.
    """

    mcp: Annotated[bool | list[str], Field(examples=[True])]
    raw_tokens: Annotated[bool, Field(examples=[False])]


class ProjectConnectorsRequest(RequestModel):
    """What to change of it."""

    mcp: bool | Annotated[list[ConnectorName], Field(max_length=MAX_NAMES)] | None = Field(
        default=None, examples=[["vercel"]]
    )
    raw_tokens: bool | None = None


class WorkspaceMemory(TypedDict):
    """A project's memory as one text, in both field names; empty where there is no project."""

    memory: Annotated[str, Field(examples=["# Project facts\n"])]
    content: Annotated[str, Field(examples=["# Project facts\n"])]
    workspace_path: Annotated[str | None, Field(examples=["/home/coder/xo-projects/my-project"])]
    time_updated: Annotated[str | None, Field(examples=["2026-11-24T08:00:00.000+00:00"])]


class MemoryRow(TypedDict):
    """The beginning of a project's memory, in both field names; `size` is that of all files."""

    project_id: Annotated[str, Field(examples=["my-project"])]
    workspace_path: Annotated[str, Field(examples=["/home/coder/xo-projects/my-project"])]
    memory: Annotated[str, Field(examples=["# Project facts\n"])]
    content: Annotated[str, Field(examples=["# Project facts\n"])]
    size: Annotated[int, Field(examples=[16])]
    time_updated: Annotated[str | None, Field(examples=["2026-11-24T08:00:00.000+00:00"])]


class MemoryTarget(RequestModel):
    """The project whose memory is meant: its id, or a path in it, under either name."""

    workspace: str | None = Field(default=None, examples=["my-project"])
    workspace_path: str | None = None


class MemoryRequest(MemoryTarget):
    """The new text, under either name."""

    memory: str | None = Field(default=None, examples=["# Project facts\n"])
    content: str | None = None
