"""Convert rollouts without items to rows with items.

Codex versions before paginated histories wrote them, and today's Codex continues them (their
`history_mode` is not `paginated`). Tools are known from the model's calls and their outputs, which
name no turn; a call without an output was interrupted.
"""

import re
from collections.abc import Iterator
from typing import Any

import orjson

from xo_runtime_codex.history.rollouts import Body, Row

CALLS = frozenset({"function_call", "custom_tool_call"})
COMMANDS = frozenset({"exec_command", "shell", "shell_command", "local_shell"})
ENDS = frozenset({"task_complete", "turn_complete", "turn_aborted"})
OUTPUT = "\nOutput:\n"
EXIT_CODE = re.compile(r"[Ee]xit(?:ed with)? code:? (-?\d+)")


class LegacyRollouts:
    """Converts one file's rows, in order."""

    def __init__(self) -> None:
        self._turn = ""
        self._has_turn_ids = False
        self._prompt_count = 0
        self._calls: dict[str, Body] = {}

    def rows(self, row: Row) -> Iterator[Row]:
        """Yield the rows that replace a row; it may be the row itself."""
        body = row.body
        kind = str(body.get("type"))
        turn = body.get("turn_id")
        if isinstance(turn, str) and (row.kind == "turn_context" or kind == "task_started"):
            self._turn, self._has_turn_ids = turn, True
        if row.kind == "response_item":
            yield from self._tool_rows(row, kind)
        elif kind == "user_message":
            yield self._item(row, self._user(row))
        elif kind == "agent_message":
            yield self._item(row, {"type": "AgentMessage", "text": str(body.get("message") or "")})
        elif kind == "agent_reasoning":
            yield self._item(row, {"type": "Reasoning", "summary_text": [str(body.get("text"))]})
        elif kind == "patch_apply_end":
            self._calls.pop(str(body.get("call_id")), None)
            yield self._item(row, {**_patch_result(body), "type": "FileChange"})
        else:
            if kind in ENDS:
                yield from self._interrupted_tools(row)
            yield row

    def _user(self, row: Row) -> Body:
        self._prompt_count += 1
        if not self._has_turn_ids:
            # the oldest files name no turns: each prompt starts one
            self._turn = f"turn-{self._prompt_count}"
        identity = f"{self._turn}-u{self._prompt_count}"
        text = {"type": "text", "text": str(row.body.get("message") or "")}
        images = row.body.get("local_images")
        files = [{"path": path} for path in (images if isinstance(images, list) else [])]
        return {"type": "UserMessage", "id": identity, "content": [text, *files]}

    def _tool_rows(self, row: Row, kind: str) -> Iterator[Row]:
        call_id = str(row.body.get("call_id"))
        if kind in CALLS:
            self._calls[call_id] = row.body
        elif call_id in self._calls:
            output = _text(row.body.get("output"))
            yield self._item(row, _tool(self._calls.pop(call_id), output))

    def _interrupted_tools(self, row: Row) -> Iterator[Row]:
        for call in self._calls.values():
            yield self._item(row, _tool(call, "") | {"status": "failed"})
        self._calls = {}

    def _item(self, row: Row, item: Body) -> Row:
        body = {"type": "item_completed", "turn_id": self._turn, "item": item}
        return row._replace(kind="event_msg", body=body)


def _tool(call: Body, output: str) -> Body:
    name = str(call.get("name"))
    arguments = _arguments(call)
    call_id = call.get("call_id")
    if name in COMMANDS:
        code = EXIT_CODE.search(output)
        return {
            "type": "CommandExecution",
            "id": call_id,
            "command": arguments.get("cmd") or arguments.get("command"),
            "aggregated_output": output.partition(OUTPUT)[2] or output,
            "exit_code": int(code[1]) if code else None,
            "status": "failed" if code and int(code[1]) else "completed",
        }
    return {
        "type": "DynamicToolCall",
        "id": call_id,
        "tool": name,
        "arguments": arguments,
        "content_items": [{"text": output}],
        "status": "completed",
    }


def _patch_result(body: Body) -> Body:
    status = "completed" if body.get("success") else "failed"
    return {"id": body.get("call_id"), "changes": body.get("changes"), "status": status}


def _arguments(call: Body) -> dict[str, Any]:
    raw = call.get("arguments")
    if not isinstance(raw, str):
        # a custom tool takes plain text
        return {"input": str(call.get("input") or "")}
    try:
        arguments = orjson.loads(raw)
    except ValueError:
        return {"input": raw}
    return arguments if isinstance(arguments, dict) else {"input": raw}


def _text(output: object) -> str:
    """Return a call's output: a string, or the text of an object, also of one in JSON."""
    if isinstance(output, str) and output.startswith('{"output":'):
        try:
            output = orjson.loads(output)
        except ValueError:
            return output
    if isinstance(output, dict):
        output = output.get("output") or output.get("content")
    return output if isinstance(output, str) else ""
