"""OpenClaw's tools as the tool calls of the wire: name, arguments, result."""

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
    result: dict[str, JsonValue] = dict(arguments)
    if normal_name(tool) in PATHS and "file_path" not in result and "path" in result:
        result["file_path"] = result.pop("path")
    return result


def title_of(tool: str, arguments: Row) -> str:
    """Return a call's title: its subject, else the tool. `arguments` have the wire's keys.

    The gateway's own titles are in its events only; a reload would show other ones.
    """
    for key in TITLE_KEYS:
        value = arguments.get(key)
        if isinstance(value, str) and value.strip():
            text = PurePath(value).name if key == "file_path" else value
            return " ".join(text.split())[:TITLE_LENGTH]
    return normal_name(tool)


def output_of(result: object) -> str:
    """Return a result as text; images are named only."""
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
    """Return the fields that frontends show beside the output: exit, diff, todos."""
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
