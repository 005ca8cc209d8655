"""Claude Code's tools as the wire has them: name, title, kind of permission, metadata."""

from collections.abc import Mapping
from pathlib import PurePath
from types import MappingProxyType
from typing import Any

from xo_cowork_core.sdk import Json, JsonValue, PermissionKind

INTERACTIVE_TOOLS = frozenset({"AskUserQuestion", "ExitPlanMode"})
WIRE_NAMES = MappingProxyType(
    {
        "Write": "write",
        "Edit": "edit",
        "MultiEdit": "edit",
        "NotebookEdit": "edit",
        "Read": "read",
        "Bash": "bash",
        "PowerShell": "bash",
        "TodoWrite": "todo",
        "TaskCreate": "todo",
        "TaskUpdate": "todo",
        "WebSearch": "web_search",
        "WebFetch": "web_fetch",
    }
)
FILE_TOOLS = frozenset({"Write", "Edit", "MultiEdit", "NotebookEdit"})
COMMAND_TOOLS = frozenset({"Bash", "PowerShell", "Monitor", "REPL"})
TITLE_KEYS = ("description", "command", "file_path", "pattern", "query", "url", "skill", "path")
TITLE_LENGTH = 120


def normal_name(tool: str) -> str:
    """Return the wire's name of a tool."""
    return WIRE_NAMES.get(tool, tool.lower())


def permission_kind(tool: str) -> PermissionKind:
    """Return the kind of permission that a tool needs."""
    if tool in FILE_TOOLS:
        return "file_changes"
    return "run_commands" if tool in COMMAND_TOOLS else "other"


def title_of(tool: str, arguments: Mapping[str, Any]) -> str:
    """Return one line about a call, at most 120 characters: its subject, else the tool."""
    for key in TITLE_KEYS:
        value = arguments.get(key)
        if isinstance(value, str) and value.strip():
            text = PurePath(value).name if key == "file_path" else value
            return " ".join(text.split())[:TITLE_LENGTH]
    return normal_name(tool)


def patterns_of(arguments: Mapping[str, Any], blocked_path: object) -> tuple[str, ...]:
    """Return what a permission covers: command, path or address."""
    values = [
        arguments.get(key) for key in ("command", "file_path", "notebook_path", "url", "query")
    ]
    texts = [value for value in (*values, blocked_path) if isinstance(value, str) and value]
    return tuple(dict.fromkeys(texts))


def output_text(content: object) -> str:
    """Return the content of a tool result as text, with `[image]` for an image."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts: list[str] = []
    for block in content:
        if not isinstance(block, dict):
            continue
        if isinstance(block.get("text"), str):
            texts.append(block["text"])
        elif block.get("type") == "image":
            texts.append("[image]")
    return "\n".join(texts)


def result_metadata(tool: str, arguments: Mapping[str, Any], result: object) -> Json:
    """Return what frontends show beside the output: path, patch, output streams, todos."""
    if tool == "TodoWrite":
        return {"todos": todos_of(arguments.get("todos"))}
    if not isinstance(result, dict):
        return {}
    metadata: dict[str, JsonValue] = {}
    path = result.get("filePath") or arguments.get("file_path")
    if isinstance(path, str):
        metadata["file_path"] = path
    if isinstance(result.get("structuredPatch"), list):
        metadata["patch"] = result["structuredPatch"]
        metadata["created"] = result.get("type") == "create"
    for key in ("stdout", "stderr"):
        if isinstance(result.get(key), str) and tool in COMMAND_TOOLS:
            metadata[key] = result[key]
    if isinstance(result.get("interrupted"), bool):
        metadata["interrupted"] = result["interrupted"]
    return metadata


def todos_of(rows: object) -> list[JsonValue]:
    """Return the rows of the agent's task list, without malformed ones."""
    if not isinstance(rows, list):
        return []
    return [
        {
            "content": row["content"],
            "status": str(row.get("status") or "pending"),
            "activeForm": str(row.get("activeForm") or row["content"]),
        }
        for row in rows
        if isinstance(row, dict) and isinstance(row.get("content"), str)
    ]


def error_message(output: str) -> str:
    """Return a tool's error without the tags that the CLI puts around it."""
    return output.removeprefix("<tool_use_error>").removesuffix("</tool_use_error>").strip()
