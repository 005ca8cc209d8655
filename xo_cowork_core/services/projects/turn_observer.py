"""Turns the tools and steps of one turn into events of its project."""

import logging
import os.path
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
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
    ToolUpdate,
)
from xo_cowork_core.sdk.events.base import Json
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.projects.events import FileWritten, ProjectEvent, TodoListUpdated
from xo_cowork_core.storage.encodable_text import encodable

WRITES = frozenset({"write", "edit"})
PATH_KEYS = ("file_path", "notebook_path", "path")
MAX_CALLS = 1000
MAX_FILES = 1000
MAX_PATH = 1024
log = logging.getLogger("xo_cowork.projects")


class TurnObserver:
    """Observes one turn: called with each of its events, it calls `on_event` with the project's."""

    def __init__(
        self,
        session_id: str,
        runtime: str,
        *,
        cwd: str,
        folders: tuple[str, ...],
        clock: Clock,
        on_event: Callable[[ProjectEvent], None],
    ) -> None:
        self.tokens = Tokens()
        self._session_id = session_id
        self._runtime = runtime
        self._cwd = cwd
        self._folders = folders
        self._clock = clock
        self._on_event = on_event
        self._calls: dict[str, ToolCall] = {}
        self._files: set[str] = set()

    def __call__(self, event: Event) -> None:
        try:
            self._handle(event)
        except (AttributeError, TypeError, ValueError) as error:
            # a plugin's event may have any content; the turn goes on without it
            log.warning("an event of %s was ignored: %s", self._runtime, error)

    def _handle(self, event: Event) -> None:
        match event:
            case ToolCall(tool=tool) if tool in WRITES and len(self._calls) < MAX_CALLS:
                self._calls[event.call_id] = event
            case ToolUpdate(call_id=call_id, arguments=arguments) if arguments is not None:
                call = self._calls.get(call_id)
                if call:
                    self._calls[call_id] = replace(call, arguments=arguments)
            case ToolResult():
                self._handle_result(event)
            case ToolError():
                self._calls.pop(event.call_id, None)
            case StepFinish():
                self.tokens += event.tokens
            case _:
                pass

    def relative_path(self, path: str) -> str | None:
        """Return a path relative to the project, by its text alone; None when outside."""
        absolute = os.path.normpath(os.path.join(self._cwd, path))  # noqa: PTH118  # by text alone
        return relative_to(self._folders, absolute)

    def _handle_result(self, event: ToolResult) -> None:
        call = self._calls.pop(event.call_id, None)
        if call:
            for path, created in _writes(call, event.metadata):
                self._add_file(path, created)
        todos = event.metadata.get("todos")
        if isinstance(todos, list | tuple):
            items = tuple(_items(cast("list[object]", todos)))
            self._on_event(
                TodoListUpdated(self._session_id, self._runtime, self._clock.now(), items)
            )

    def _add_file(self, path: str, created: bool | None) -> None:
        inner = self.relative_path(path)
        if inner in {None, "."} or inner in self._files or len(self._files) >= MAX_FILES:
            return
        assert inner is not None
        if PurePosixPath(inner).parts[0] == ".xo":
            return
        self._files.add(inner)
        now = self._clock.now()
        self._on_event(FileWritten(self._session_id, self._runtime, now, inner, created))


def relative_to(folders: Sequence[str], path: str) -> str | None:
    """Return a path relative to the folder that contains it, by its text alone; else None."""
    for folder in folders:
        if path == folder:
            return "."
        if path.startswith(f"{folder}/"):
            inner = encodable(path[len(folder) + 1 :])
            return inner if len(inner) <= MAX_PATH else None
    return None


def _writes(call: ToolCall, metadata: Json) -> Iterator[tuple[str, bool | None]]:
    """Yield the paths that a call wrote, and whether each is new, if the call says so."""
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
        item = cast("Json", row)
        content, form = item.get("content"), item.get("activeForm")
        if isinstance(content, str) and content.strip():
            active_form = encodable(form) if isinstance(form, str) else ""
            yield TodoItem(encodable(content), str(item.get("status")), active_form)
