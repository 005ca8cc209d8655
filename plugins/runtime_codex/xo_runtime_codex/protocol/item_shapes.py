"""Convert the items of rollouts and of `codex exec` to the app-server's shape.

The server writes `commandExecution` with `exitCode`, a rollout `CommandExecution` with `exit_code`,
`codex exec` `command_execution` with `exit_code`.
"""

from collections.abc import Mapping
from typing import Any


def server_shape(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item in the server's shape; unknown fields are kept."""
    shaped = {camel(key) if "_" in key else key: value for key, value in item.items()}
    shaped["type"] = kind = camel(str(item.get("type")))
    if isinstance(shaped.get("status"), str):
        shaped["status"] = camel(shaped["status"])
    match kind:
        case "agentMessage" | "plan":
            shaped["text"] = item.get("text") or texts_of(item.get("content"))
        case "reasoning":
            text = item.get("text")
            shaped["summary"] = [text] if text else item.get("summary_text")
            shaped["content"] = item.get("raw_content")
        case "fileChange":
            shaped["changes"] = _changes(item.get("changes"))
    return shaped


def texts_of(content: object) -> str:
    """Join the texts of content blocks."""
    blocks = content if isinstance(content, list) else []
    texts = [block.get("text") for block in blocks if isinstance(block, Mapping)]
    return "".join(text for text in texts if isinstance(text, str))


def camel(word: str) -> str:
    """Convert `snake_case` or `PascalCase` to `camelCase`."""
    head, separator, rest = word.partition("_")
    head = head[:1].lower() + head[1:]
    # hot path: called for every key of every item, and most keys are one word
    return head + "".join([part.capitalize() for part in rest.split("_")]) if separator else head


def _changes(changes: object) -> list[dict[str, Any]]:
    if isinstance(changes, Mapping):
        return [
            {
                "path": str(path),
                "kind": {"type": str(change.get("type"))},
                "diff": change.get("unified_diff") or change.get("content") or "",
            }
            for path, change in changes.items()
            if isinstance(change, Mapping)
        ]
    rows = changes if isinstance(changes, list) else []
    return [dict(row) for row in rows if isinstance(row, Mapping)]
