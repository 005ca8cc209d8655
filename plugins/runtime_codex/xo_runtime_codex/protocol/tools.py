"""Codex's tool items as the tool calls of the wire. Items are in the server's shape."""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import PurePath
from types import MappingProxyType
from typing import Any

from xo_cowork_core.sdk import Json, JsonValue, ToolCall, ToolError, ToolResult
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass

TITLE_LENGTH = 120
SHELL_WORDS = 3
FAILED_STATUSES = frozenset({"failed", "declined"})
STATUSES = MappingProxyType({"inProgress": "in_progress"})
TEXT_TYPES = frozenset(
    {
        "userMessage",
        "agentMessage",
        "reasoning",
        "plan",
        "hookPrompt",
        "contextCompaction",
        "functionCallOutput",
        "enteredReviewMode",
        "exitedReviewMode",
        "sleep",
        "subAgentActivity",
    }
)


@frozen_dataclass
class Tool:
    """One tool call. `error` is empty while it runs and after success."""

    call_id: str
    name: str
    arguments: Json = field(default_factory=dict[str, JsonValue])
    title: str = ""
    output: str = ""
    error: str = ""
    metadata: Json = field(default_factory=dict[str, JsonValue])

    @property
    def call(self) -> ToolCall:
        return ToolCall(self.call_id, self.name, self.arguments, self.title)

    @property
    def end(self) -> ToolResult | ToolError:
        if self.error:
            return ToolError(self.call_id, self.name, self.output, self.error)
        return ToolResult(self.call_id, self.name, self.output, self.title, self.metadata)


def tool_of(item: Mapping[str, Any]) -> Tool | None:
    """Return the tool call of an item; None when the item is no tool call."""
    kind, call_id = str(item.get("type")), str(item.get("id"))
    if kind in TEXT_TYPES:
        return None
    read = READERS.get(kind)
    return read(call_id, item) if read else Tool(call_id, kind.lower(), title=kind)


def todo_tool(call_id: str, plan: object) -> Tool:
    """Return the agent's task list as a `todo` tool call."""
    todos: list[JsonValue] = []
    for row in plan if isinstance(plan, list) else ():
        if isinstance(row, Mapping) and isinstance(row.get("step"), str):
            status = str(row.get("status") or "pending")
            status = STATUSES.get(status, status)
            todos.append({"content": row["step"], "status": status, "activeForm": row["step"]})
    return Tool(call_id, "todo", {"todos": todos}, "Plan", metadata={"todos": todos})


def shell_command(command: object) -> str:
    """Return a command without its `sh -c` wrapper."""
    words: Sequence[object]
    if isinstance(command, str):
        try:
            words = shlex.split(command)
        except ValueError:
            return command
    else:
        words = command if isinstance(command, list) else []
    if len(words) == SHELL_WORDS and words[1] in ("-lc", "-c"):
        return str(words[2])
    return command if isinstance(command, str) else shlex.join(str(word) for word in words)


def changes_of(item: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield path, kind (`add`, `update`, `delete`) and content or diff of each change."""
    changes = item.get("changes")
    for change in changes if isinstance(changes, list) else ():
        if isinstance(change, Mapping):
            kind = change.get("kind")
            word = kind.get("type") if isinstance(kind, Mapping) else kind
            yield str(change.get("path")), str(word), str(change.get("diff") or "")


def _command(call_id: str, item: Mapping[str, Any]) -> Tool:
    command = shell_command(item.get("command"))
    code, output = item.get("exitCode"), str(item.get("aggregatedOutput") or "")
    metadata: dict[str, JsonValue] = {"exit_code": code} if isinstance(code, int) else {}
    error = _error(item)
    if error and isinstance(code, int) and item.get("status") == "failed":
        error = f"The command ended with code {code}"
    return Tool(call_id, "bash", {"command": command}, _line(command), output, error, metadata)


def _file_change(call_id: str, item: Mapping[str, Any]) -> Tool:
    changes = list(changes_of(item))
    path, kind, text = changes[0] if changes else ("", "update", "")
    title = ", ".join(PurePath(change[0]).name for change in changes)
    error = _error(item)
    if len(changes) == 1 and kind == "add":
        arguments: Json = {"file_path": path, "content": text}
        return Tool(
            call_id,
            "write",
            arguments,
            _line(title),
            error=error,
            metadata={"file_path": path, "created": True},
        )
    rows: list[JsonValue] = [
        {"file_path": path, "kind": kind, "diff": text} for path, kind, text in changes
    ]
    arguments = {"file_path": path, "diff": text, "changes": rows}
    metadata: Json = {"file_path": path, "changes": rows}
    return Tool(call_id, "edit", arguments, _line(title), error=error, metadata=metadata)


def _named(call_id: str, item: Mapping[str, Any]) -> Tool:
    raw = item.get("arguments")
    arguments: Json = raw if isinstance(raw, Mapping) else {}
    server = str(item.get("server") or item.get("namespace") or "")
    tool = str(item.get("tool") or "tool")
    name = f"mcp__{server}__{tool}" if item.get("type") == "mcpToolCall" else tool
    result = item.get("result") or {"content": item.get("contentItems")}
    return Tool(
        call_id,
        name.lower(),
        arguments,
        f"{server} {tool}".strip(),
        _texts(result.get("content") if isinstance(result, Mapping) else None),
        _error(item),
    )


def _error(item: Mapping[str, Any]) -> str:
    error, status = item.get("error"), str(item.get("status"))
    if isinstance(error, Mapping) and error.get("message"):
        return str(error["message"])
    if status == "declined":
        return "This was not allowed."
    return "The tool failed." if status in FAILED_STATUSES or item.get("success") is False else ""


def _query(item: Mapping[str, Any]) -> str:
    action = item.get("action")
    inner = action if isinstance(action, Mapping) else {}
    return str(item.get("query") or inner.get("query") or inner.get("url") or "")


def _texts(content: object) -> str:
    rows = content if isinstance(content, list) else []
    texts = [row.get("text") for row in rows if isinstance(row, Mapping)]
    return "\n".join(text for text in texts if isinstance(text, str))


def _line(text: str) -> str:
    return " ".join(text.split())[:TITLE_LENGTH]


def _search(call_id: str, item: Mapping[str, Any]) -> Tool:
    query = _query(item)
    return Tool(call_id, "web_search", {"query": query}, _line(query))


def _agent(call_id: str, item: Mapping[str, Any]) -> Tool:
    prompt, name = str(item.get("prompt") or ""), str(item.get("tool") or "agent")
    return Tool(call_id, name.lower(), {"prompt": prompt}, _line(prompt), error=_error(item))


def _view(call_id: str, item: Mapping[str, Any]) -> Tool:
    path = str(item.get("path"))
    return Tool(call_id, "read", {"file_path": path}, PurePath(path).name)


READERS: Mapping[str, Callable[[str, Mapping[str, Any]], Tool]] = MappingProxyType(
    {
        "commandExecution": _command,
        "fileChange": _file_change,
        "webSearch": _search,
        "mcpToolCall": _named,
        "dynamicToolCall": _named,
        "collabAgentToolCall": _agent,
        "imageView": _view,
    }
)
