"""What a turn tells of itself: names, numbers, ids, relative paths and todo texts. Nothing else
of a turn may become a field here, for all of it is written into the project's folder."""

from dataclasses import dataclass
from datetime import datetime

from xo_cowork_core.sdk import TodoItem, Tokens


@dataclass(frozen=True, slots=True)
class ProjectEvent:
    """Something happened in a session."""

    session_id: str
    runtime: str
    moment: datetime


@dataclass(frozen=True, slots=True)
class SessionOpened(ProjectEvent):
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
    """A tool wrote a file; `created` is None where it did not say whether it was new."""

    path: str
    created: bool | None


@dataclass(frozen=True, slots=True)
class TodosSaid(ProjectEvent):
    """An agent stated its whole task list."""

    items: tuple[TodoItem, ...]


@dataclass(slots=True)
class OpenSession:
    """A session with a running turn."""

    session_id: str
    runtime: str
    agent: str
    opened_at: datetime
    last_activity_at: datetime
