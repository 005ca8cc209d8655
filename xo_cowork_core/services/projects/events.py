"""Events of a turn that are recorded in its project.

Names, numbers, ids, relative paths and todo texts: nothing else of a turn may become a field here,
because all of it is written into the project's folder.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeAlias

from xo_cowork_core.sdk import TodoItem, Tokens


class SessionStarted(NamedTuple):
    """A turn began. `directory` is relative to the project."""

    session_id: str
    runtime: str
    moment: datetime
    resumed: bool
    directory: str


class SessionEnded(NamedTuple):
    """A turn ended."""

    session_id: str
    runtime: str
    moment: datetime
    finish_reason: str
    error_code: str | None
    tokens: Tokens
    cost: float | None
    seconds: float
    directory: str


class FileWritten(NamedTuple):
    """A tool wrote a file; `created` is None where it did not report whether it was new."""

    session_id: str
    runtime: str
    moment: datetime
    path: str
    created: bool | None


class TodoListUpdated(NamedTuple):
    """An agent sent its whole todo list."""

    session_id: str
    runtime: str
    moment: datetime
    items: tuple[TodoItem, ...]


ProjectEvent: TypeAlias = SessionStarted | SessionEnded | FileWritten | TodoListUpdated


@dataclass(slots=True)
class OpenSession:
    """A session with a running turn."""

    session_id: str
    runtime: str
    agent: str
    opened_at: datetime
    last_activity_at: datetime
