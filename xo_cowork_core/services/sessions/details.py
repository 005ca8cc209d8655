"""Extracts todos, files and Markdown from the messages of a session."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import NamedTuple, cast

from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.sdk.runtime.history import FilePart, Message, TextPart, ToolPart
from xo_cowork_core.services.clock import stamp

FILE_TOOLS = frozenset({"write", "edit", "read", "notebook_edit", "multi_edit"})
CHANGED = "changed"
FENCES = re.compile(r"`+")


class TouchedFile(NamedTuple):
    """A file that a session's tools read or wrote, or that was attached to a prompt."""

    name: str
    path: str
    type: str
    tool: str


def todos_of(messages: Sequence[Message]) -> list[Mapping[str, JsonValue]]:
    """Return the agent's last task list."""
    for part in reversed(list(_tools(messages))):
        todos = part.metadata.get("todos")
        if part.tool == "todo" and isinstance(todos, Sequence) and not isinstance(todos, str):
            return [todo for todo in todos if isinstance(todo, Mapping)]
    return []


def files_of(messages: Sequence[Message], directory: str | PurePath) -> list[TouchedFile]:
    """Return each file once, in the order of first touch, with the last tool that changed it, else
    the last that read it. Relative paths are taken from `directory`."""
    files: dict[str, TouchedFile] = {}
    for message in messages:
        for part in message.parts:
            for file in _files(part):
                path = os.path.normpath(PurePath(directory, file.path))
                known = files.get(path)
                if known is None or file.type == CHANGED or known.type != CHANGED:
                    files[path] = file._replace(path=path)
    return list(files.values())


def _files(part: object) -> Iterator[TouchedFile]:
    if isinstance(part, FilePart) and part.path:
        yield TouchedFile(part.name or PurePath(part.path).name, part.path, "attachment", "")
    if isinstance(part, ToolPart) and part.tool in FILE_TOOLS and part.status != "error":
        path = part.input.get("file_path") or part.input.get("path")
        if isinstance(path, str) and path:
            kind = "read" if part.tool == "read" else CHANGED
            yield TouchedFile(PurePath(path).name, path, kind, part.tool)


def _tools(messages: Sequence[Message]) -> Iterator[ToolPart]:
    for message in messages:
        for part in message.parts:
            if isinstance(part, ToolPart):
                yield part


def markdown_of(title: str, messages: Sequence[Message]) -> str:
    """Return a conversation as Markdown: texts in full, tool calls in short."""
    blocks = [f"# {' '.join(title.split())}"]
    for message in messages:
        author = "User" if message.role == "user" else message.model_id or "Assistant"
        blocks.append(f"## {author} · {stamp(message.time_created)}")
        for part in message.parts:
            if isinstance(part, TextPart):
                blocks.append(part.text)
            elif isinstance(part, ToolPart):
                blocks.append(_tool_block(part))
            elif isinstance(part, FilePart):
                blocks.append(f"*Attached: {part.name}*")
        if message.error:
            blocks.append("> Error: " + message.error.replace("\n", "\n> "))
    return "\n\n".join(blocks) + "\n"


def _tool_block(part: ToolPart) -> str:
    head = f"**{part.tool}** ({part.status})"
    command = part.input.get("command") or part.input.get("file_path") or ""
    text = "\n".join(line for line in (str(cast("object", command)), part.output) if line)
    # longer than any in the text, so that an output cannot close the block
    fence = "`" * max(4, max(map(len, FENCES.findall(text)), default=0) + 1)
    return f"{head}\n\n{fence}\n{text}\n{fence}" if text else head
