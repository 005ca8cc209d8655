"""Events of a turn that are recorded in its project.

Names, numbers, ids, relative paths and todo texts: nothing else of a turn may become a field here,
because all of it is written into the project's folder.
"""

from dataclasses import dataclass
from datetime import datetime

from xo_cowork_core.sdk import TodoItem, Tokens


@dataclass(frozen=True, slots=True)
class ProjectEvent:
    """An event of a session."""

    session_id: str
    runtime: str
    moment: datetime


@dataclass(frozen=True, slots=True)
class SessionStarted(ProjectEvent):
    """A turn began. `directory` is relative to the project."""

    resumed: bool
    directory: str


@dataclass(frozen=True, slots=True)
class SessionEnded(ProjectEvent):
    """A turn ended."""

    finish_reason: str
    error_code: str | None
    tokens: Tokens
    cost: float | None
    seconds: float
    directory: str


@dataclass(frozen=True, slots=True)
class FileWritten(ProjectEvent):
    """A tool wrote a file; `created` is None where it did not report whether it was new."""

    path: str
    created: bool | None


@dataclass(frozen=True, slots=True)
class TodoListUpdated(ProjectEvent):
    """An agent sent its whole todo list."""

    items: tuple[TodoItem, ...]


@dataclass(slots=True)
class OpenSession:
    """A session with a running turn."""

    session_id: str
    runtime: str
    agent: str
    opened_at: datetime
    last_activity_at: datetime
