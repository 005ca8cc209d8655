"""Watches one turn's tools and steps for what a project keeps of them."""

import logging
import os.path
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import cast

from xo_cowork_core.sdk import (
    Event,
    StepFinish,
    TodoItem,
    Tokens,
    ToolCall,
    ToolError,
    ToolResult,
)
from xo_cowork_core.sdk.events.base import Json
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.projects.events import FileWritten, ProjectEvent, TodosSaid

WRITES = frozenset({"write", "edit"})
PATH_KEYS = ("file_path", "notebook_path", "path")
MOST_CALLS = 1000
MOST_FILES = 1000
MOST_PATH = 1024
log = logging.getLogger("xo_cowork.projects")


class TurnObserver:
    """One turn's watcher: call it with each event. `tell` takes the facts."""

    def __init__(
        self,
        session_id: str,
        runtime: str,
        *,
        cwd: str,
        folders: tuple[str, ...],
        clock: Clock,
        tell: Callable[[ProjectEvent], None],
    ) -> None:
        self.tokens = Tokens()
        self._session_id = session_id
        self._runtime = runtime
        self._cwd = cwd
        self._folders = folders
        self._clock = clock
        self._tell = tell
        self._calls: dict[str, ToolCall] = {}
        self._files: set[str] = set()

    def __call__(self, event: Event) -> None:
        try:
            self._take(event)
        except (AttributeError, TypeError, ValueError) as error:
            # a plugin's event may hold anything; the turn goes on without this fact
            log.warning("an event of %s was passed over: %s", self._runtime, error)

    def _take(self, event: Event) -> None:
        match event:
            case ToolCall(tool=tool) if tool in WRITES and len(self._calls) < MOST_CALLS:
                self._calls[event.call_id] = event
            case ToolResult():
                self._ended(event)
            case ToolError():
                self._calls.pop(event.call_id, None)
            case StepFinish():
                self.tokens += event.tokens
            case _:
                pass

    def relative(self, path: str) -> str | None:
        """Return a path as it stands in the project, by its text alone; None when outside."""
        there = os.path.normpath(os.path.join(self._cwd, path))  # noqa: PTH118  # text, not a place
        return relative_to(self._folders, there)

    def _ended(self, event: ToolResult) -> None:
        call = self._calls.pop(event.call_id, None)
        if call:
            for path, created in _writes(call, event.metadata):
                self._wrote(path, created)
        todos = event.metadata.get("todos")
        if isinstance(todos, list | tuple):
            items = tuple(_items(cast("list[object]", todos)))
            self._tell(TodosSaid(self._session_id, self._runtime, self._clock.now(), items))

    def _wrote(self, path: str, created: bool | None) -> None:
        inner = self.relative(path)
        if inner in {None, "."} or inner in self._files or len(self._files) >= MOST_FILES:
            return
        assert inner is not None
        if PurePosixPath(inner).parts[0] == ".xo":
            return
        self._files.add(inner)
        now = self._clock.now()
        self._tell(FileWritten(self._session_id, self._runtime, now, inner, created))


def relative_to(folders: Sequence[str], path: str) -> str | None:
    """Return a path as it stands in one of these folders, by its text alone; None when outside."""
    for folder in folders:
        if path == folder:
            return "."
        if path.startswith(f"{folder}/"):
            inner = plain(path[len(folder) + 1 :])
            return inner if len(inner) <= MOST_PATH else None
    return None


def plain(text: str) -> str:
    """Return a text that any encoder takes: half of a surrogate pair becomes `?`."""
    return text.encode("utf-8", "replace").decode()


def _writes(call: ToolCall, metadata: Json) -> Iterator[tuple[str, bool | None]]:
    """Yield the paths that a call wrote, and whether they are new where it says so."""
    changes = metadata.get("changes")
    if isinstance(changes, list | tuple):
        for change in cast("list[object]", changes):
            if isinstance(change, Mapping):
                row = cast("Json", change)
                path = row.get("file_path")
                if isinstance(path, str):
                    yield path, row.get("kind") == "add"
        return
    path = next((call.arguments[key] for key in PATH_KEYS if key in call.arguments), None)
    created = metadata.get("created")
    if isinstance(path, str) and path:
        known = created if isinstance(created, bool) else None
        yield path, False if known is None and call.tool == "edit" else known


def _items(rows: list[object]) -> Iterator[TodoItem]:
    for row in rows:
        if not isinstance(row, Mapping):
            continue
        said = cast("Json", row)
        content, form = said.get("content"), said.get("activeForm")
        if isinstance(content, str) and content.strip():
            told = plain(form) if isinstance(form, str) else ""
            yield TodoItem(plain(content), str(said.get("status")), told)
