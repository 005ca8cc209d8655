"""The task list of sessions whose agent reports each change alone, as it does in a terminal."""

from collections.abc import Mapping
from typing import Any

from xo_cowork_core.sdk import Json, JsonValue

TASK_TOOLS = frozenset({"TaskCreate", "TaskUpdate"})


class TaskList:
    """The list of one session, built from its changes in order."""

    def __init__(self) -> None:
        self._tasks: dict[str, dict[str, JsonValue]] = {}

    def apply(self, tool: str, arguments: Mapping[str, Any], result: object) -> Json:
        """Apply a successful change; return the whole list as a tool's metadata."""
        if tool == "TaskCreate":
            created = result.get("task") if isinstance(result, Mapping) else None
            task_id = created.get("id") if isinstance(created, Mapping) else None
            self._tasks[str(task_id or len(self._tasks) + 1)] = {
                "content": str(arguments.get("subject") or ""),
                "status": "pending",
                "activeForm": str(arguments.get("activeForm") or arguments.get("subject") or ""),
            }
        else:
            self._update(str(arguments.get("taskId")), arguments)
        return {"todos": [dict(task) for task in self._tasks.values()]}

    def _update(self, task_id: str, arguments: Mapping[str, Any]) -> None:
        status, task = arguments.get("status"), self._tasks.get(task_id)
        if status == "deleted":
            self._tasks.pop(task_id, None)
        elif task:
            changes = {
                "content": arguments.get("subject"),
                "status": status,
                "activeForm": arguments.get("activeForm"),
            }
            task.update({key: value for key, value in changes.items() if isinstance(value, str)})
