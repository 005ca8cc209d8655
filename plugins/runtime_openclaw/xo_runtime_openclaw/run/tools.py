"""OpenClaw's tools in the wire's words: name, arguments, result."""

from collections.abc import Mapping
from pathlib import PurePath
from types import MappingProxyType

from xo_cowork_core.sdk import Json, JsonValue
from xo_runtime_openclaw.gateway.frames import Row, row, rows, text_of

NAMES = MappingProxyType(
    {
        "exec": "bash",
        "bash": "bash",
        "write": "write",
        "file_write": "write",
        "edit": "edit",
        "apply_patch": "edit",
        "read": "read",
        "file_fetch": "read",
        "update_plan": "todo",
        "web_search": "web_search",
    }
)
PATHS = frozenset({"write", "edit", "read"})
TITLE_KEYS = ("command", "file_path", "pattern", "query", "url", "path")
TITLE_LENGTH = 120
STATUSES = MappingProxyType({"done": "completed", "complete": "completed", "active": "in_progress"})


def normal_name(tool: str) -> str:
    """Return the wire's name of a tool."""
    return NAMES.get(tool.lower(), tool.lower())


def normal_arguments(tool: str, arguments: Row) -> Json:
    """Return a call's arguments with the wire's keys."""
    found: dict[str, JsonValue] = dict(arguments)
    if normal_name(tool) in PATHS and "file_path" not in found and "path" in found:
        found["file_path"] = found.pop("path")
    return found


def title_of(tool: str, arguments: Row) -> str:
    """Name a call in one line: what it is about, else the tool. `arguments` have the wire's keys.

    The gateway's own titles are in its events alone: a reload would show others.
    """
    for key in TITLE_KEYS:
        value = arguments.get(key)
        if isinstance(value, str) and value.strip():
            text = PurePath(value).name if key == "file_path" else value
            return " ".join(text.split())[:TITLE_LENGTH]
    return normal_name(tool)


def output_of(result: object) -> str:
    """Flatten a result to text; images are named, not copied."""
    if isinstance(result, str):
        return result
    content = row(result).get("content") if isinstance(result, dict) else result
    if isinstance(content, str):
        return content
    texts = [
        text_of(block.get("text")) if block.get("type") == "text" else f"[{block.get('type')}]"
        for block in rows(content)
    ]
    return "\n".join(texts)


def metadata_of(tool: str, arguments: Row, details: Row) -> Json:
    """Pick what frontends show beside the output: exit, diff, todos."""
    picked: dict[str, JsonValue] = {}
    for key, name in (("exitCode", "exit_code"), ("patch", "patch"), ("created", "created")):
        value = details.get(key)
        if isinstance(value, bool | int | str):
            picked[name] = value
    if normal_name(tool) == "todo":
        picked["todos"] = _todos(arguments)
    return picked


def _todos(arguments: Mapping[str, object]) -> list[JsonValue]:
    return [
        {
            "content": text,
            "status": STATUSES.get(str(item.get("status")), str(item.get("status") or "pending")),
            "activeForm": text,
        }
        for item in rows(arguments.get("plan"))
        if (text := text_of(item.get("step")))
    ]
