"""Claude Code's tools in the wire's words: name, title, kind of permission, metadata."""

from collections.abc import Mapping
from pathlib import PurePath
from types import MappingProxyType
from typing import Any

from xo_cowork_core.sdk import Json, JsonValue, PermissionKind

ASKS = frozenset({"AskUserQuestion", "ExitPlanMode"})
NAMES = MappingProxyType(
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
    return NAMES.get(tool, tool.lower())


def permission_kind(tool: str) -> PermissionKind:
    """Say which preset decides on a tool."""
    if tool in FILE_TOOLS:
        return "file_changes"
    return "run_commands" if tool in COMMAND_TOOLS else "other"


def title_of(tool: str, arguments: Mapping[str, Any]) -> str:
    """Name a call in one line: what it is about, else the tool."""
    for key in TITLE_KEYS:
        value = arguments.get(key)
        if isinstance(value, str) and value.strip():
            text = PurePath(value).name if key == "file_path" else value
            return " ".join(text.split())[:TITLE_LENGTH]
    return normal_name(tool)


def patterns_of(arguments: Mapping[str, Any], blocked: object) -> tuple[str, ...]:
    """List what a permission would cover: the command, the path or the address."""
    found = [
        arguments.get(key) for key in ("command", "file_path", "notebook_path", "url", "query")
    ]
    texts = [value for value in (*found, blocked) if isinstance(value, str) and value]
    return tuple(dict.fromkeys(texts))


def output_text(content: object) -> str:
    """Flatten the content of a tool result to text; images are named, not copied."""
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
    """Pick what frontends show beside the output: paths, diffs, exit, todos."""
    if tool == "TodoWrite":
        return {"todos": todos_of(arguments.get("todos"))}
    if not isinstance(result, dict):
        return {}
    picked: dict[str, JsonValue] = {}
    path = result.get("filePath") or arguments.get("file_path")
    if isinstance(path, str):
        picked["file_path"] = path
    if isinstance(result.get("structuredPatch"), list):
        picked["patch"] = result["structuredPatch"]
        picked["created"] = result.get("type") == "create"
    for key in ("stdout", "stderr"):
        if isinstance(result.get(key), str) and tool in COMMAND_TOOLS:
            picked[key] = result[key]
    if isinstance(result.get("interrupted"), bool):
        picked["interrupted"] = result["interrupted"]
    return picked


def todos_of(rows: object) -> list[JsonValue]:
    """Shape the agent's task list as the wire's rows; malformed rows are left out."""
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
