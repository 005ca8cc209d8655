"""The task list of sessions whose agent tells it change by change, as it does in a terminal."""

from collections.abc import Mapping
from typing import Any

from xo_cowork_core.sdk import Json, JsonValue

TASK_TOOLS = frozenset({"TaskCreate", "TaskUpdate"})


class Tasks:
    """One session's list, from its changes in order."""

    def __init__(self) -> None:
        self._tasks: dict[str, dict[str, JsonValue]] = {}

    def change(self, tool: str, arguments: Mapping[str, Any], result: object) -> Json:
        """Take a change that went well; return the whole list as a tool's metadata."""
        if tool == "TaskCreate":
            made = result.get("task") if isinstance(result, Mapping) else None
            task_id = made.get("id") if isinstance(made, Mapping) else None
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
            said = {
                "content": arguments.get("subject"),
                "status": status,
                "activeForm": arguments.get("activeForm"),
            }
            task.update({key: value for key, value in said.items() if isinstance(value, str)})
