"""Rollouts without items, as sessions of Codexes before paginated histories have them, and as
today's Codex goes on writing in those sessions (`history_mode` is not `paginated`).

Each event is brought into the item that would stand there today. Tools are told by the model's own
calls and their outputs, which name no turn: what is not ended is a call that was cut off.
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
    """Translates one file's rows, in their order."""

    def __init__(self) -> None:
        self._turn = ""
        self._named = False
        self._said = 0
        self._calls: dict[str, Body] = {}

    def rows(self, row: Row) -> Iterator[Row]:
        """Yield what stands for a row today, which may be the row itself."""
        body = row.body
        kind = str(body.get("type"))
        turn = body.get("turn_id")
        if isinstance(turn, str) and (row.kind == "turn_context" or kind == "task_started"):
            self._turn, self._named = turn, True
        if row.kind == "response_item":
            yield from self._called(row, kind)
        elif kind == "user_message":
            yield self._item(row, self._user(row))
        elif kind == "agent_message":
            yield self._item(row, {"type": "AgentMessage", "text": str(body.get("message") or "")})
        elif kind == "agent_reasoning":
            yield self._item(row, {"type": "Reasoning", "summary_text": [str(body.get("text"))]})
        elif kind == "patch_apply_end":
            self._calls.pop(str(body.get("call_id")), None)
            yield self._item(row, {**_ended(body), "type": "FileChange"})
        else:
            if kind in ENDS:
                yield from self._cut_off(row)
            yield row

    def _user(self, row: Row) -> Body:
        self._said += 1
        if not self._named:
            # the oldest name no turns: each prompt begins one
            self._turn = f"turn-{self._said}"
        identity = f"{self._turn}-u{self._said}"
        text = {"type": "text", "text": str(row.body.get("message") or "")}
        images = row.body.get("local_images")
        files = [{"path": path} for path in (images if isinstance(images, list) else [])]
        return {"type": "UserMessage", "id": identity, "content": [text, *files]}

    def _called(self, row: Row, kind: str) -> Iterator[Row]:
        call_id = str(row.body.get("call_id"))
        if kind in CALLS:
            self._calls[call_id] = row.body
        elif call_id in self._calls:
            output = _text(row.body.get("output"))
            yield self._item(row, _tool(self._calls.pop(call_id), output))

    def _cut_off(self, row: Row) -> Iterator[Row]:
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


def _ended(body: Body) -> Body:
    status = "completed" if body.get("success") else "failed"
    return {"id": body.get("call_id"), "changes": body.get("changes"), "status": status}


def _arguments(call: Body) -> dict[str, Any]:
    raw = call.get("arguments")
    if not isinstance(raw, str):
        # a custom tool takes a text as it is
        return {"input": str(call.get("input") or "")}
    try:
        found = orjson.loads(raw)
    except ValueError:
        return {"input": raw}
    return found if isinstance(found, dict) else {"input": raw}


def _text(output: object) -> str:
    """Return a call's output: a text, or an object with one, also as JSON in a text."""
    if isinstance(output, str) and output.startswith('{"output":'):
        try:
            output = orjson.loads(output)
        except ValueError:
            return output
    if isinstance(output, dict):
        output = output.get("output") or output.get("content")
    return output if isinstance(output, str) else ""
