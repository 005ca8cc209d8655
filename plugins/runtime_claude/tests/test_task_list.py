"""A task list that the agent reports change by change, as it does in a terminal."""

import json
from typing import Any

from xo_cowork_core.sdk.runtime.history import ToolPart
from xo_runtime_claude.history.history_messages import build_messages
from xo_runtime_claude.history.rows import Row, parse_line

CREATE = {"subject": "Paint it", "description": "all", "activeForm": "Painting it"}


def row(kind: str, content: Any, identity: str, parent: str | None, **more: object) -> Row:
    message = {"role": kind, "id": identity, "content": content}
    base = {"type": kind, "uuid": identity, "parentUuid": parent, "message": message}
    found = parse_line(json.dumps({**base, **more}).encode())
    assert found
    return found


def call(
    number: int, name: str, given: object, result: object, *, failed: bool = False
) -> list[Row]:
    use = {"type": "tool_use", "id": f"t{number}", "name": name, "input": given}
    done = {"type": "tool_result", "tool_use_id": f"t{number}", "content": "x", "is_error": failed}
    return [
        row("assistant", [use], f"a{number}", f"r{number - 1}"),
        row("user", [done], f"r{number}", f"a{number}", toolUseResult=result),
    ]


def test_each_change_shows_the_whole_list() -> None:
    rows = [
        row("user", "go", "r0", None),
        *call(1, "TaskCreate", CREATE, {"task": {"id": "7"}}),
        *call(2, "TaskCreate", {"subject": "Dry it"}, {"task": {"id": "8"}}),
        *call(3, "TaskUpdate", {"taskId": "7", "status": "completed"}, {"success": True}),
        *call(4, "TaskUpdate", {"taskId": "8", "status": "deleted"}, {"success": True}),
        *call(5, "TaskUpdate", {"taskId": "7", "status": "pending"}, "no", failed=True),
    ]
    parts = [part for part in build_messages(rows)[1].parts if isinstance(part, ToolPart)]
    assert [part.tool for part in parts] == ["todo"] * 5
    painted = {"content": "Paint it", "status": "completed", "activeForm": "Painting it"}
    drying = {"content": "Dry it", "status": "pending", "activeForm": "Dry it"}
    assert parts[2].metadata == {"todos": [painted, drying]}
    assert parts[3].metadata == {"todos": [painted]}
    assert parts[4].metadata == {}
