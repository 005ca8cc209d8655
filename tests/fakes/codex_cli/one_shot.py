"""The fake's `exec --json`: one turn, whole messages, no approvals."""

import asyncio
import json
import sys
from pathlib import Path

from app_server import Thread
from codex_turn import CodexTurn
from rollout import Locked, NoRollout, new_id
from script import Budget

KINDS = {
    "agentMessage": "agent_message",
    "reasoning": "reasoning",
    "commandExecution": "command_execution",
    "fileChange": "file_change",
}


class ExecThread(Thread):
    """A thread whose notifications are printed as `exec` does."""

    budget = None

    def notify(self, method, **params):
        item = params.get("item") or {}
        kind = KINDS.get(item.get("type"))
        if method in {"item/started", "item/completed"} and kind:
            if method == "item/started" and kind in {"agent_message", "reasoning"}:
                return
            show({"type": method.replace("/", "."), "item": shaped(item, kind)})
        elif method == "error":
            show({"type": "error", "message": params["error"]["message"]})


def shaped(item, kind):
    found = {"id": item["id"], "type": kind, "status": item.get("status")}
    if kind == "reasoning":
        return {**found, "text": "".join(item.get("summary") or ())}
    if kind == "agent_message":
        return {**found, "text": item["text"]}
    if kind == "file_change":
        changes = [{"path": c["path"], "kind": c["kind"]["type"]} for c in item["changes"]]
        return {**found, "changes": changes}
    return {
        **found,
        "command": " ".join(item["command"]),
        "aggregated_output": item.get("aggregatedOutput") or "",
        "exit_code": item.get("exitCode"),
    }


def show(record):
    print(json.dumps(record), flush=True)


def run(words):
    resume = words[:1] == ["resume"]
    rest = words[words.index("--") + 1 :] if "--" in words else words[-1:]
    text = sys.stdin.read() if rest[-1] == "-" else rest[-1]
    thread_id = rest[0] if resume else new_id()
    server = type("Server", (), {"budget": Budget()})()
    try:
        thread = ExecThread(server, thread_id, Path.cwd(), exists=resume)
    except (NoRollout, Locked):
        print(f"no rollout found for thread id {thread_id}", file=sys.stderr)
        return 1
    return asyncio.run(_play(thread, text))


async def _play(thread, text):
    show({"type": "thread.started", "thread_id": thread.thread_id})
    show({"type": "turn.started"})
    turn = CodexTurn(thread, new_id(), text, "default", "never")
    turn.store()
    error = await turn.run()
    body = {"type": "task_complete", "turn_id": turn.turn_id}
    thread.rollout.write("event_msg", **body, **({"error": error} if error else {}))
    if error:
        show({"type": "turn.failed", "error": {"message": error["message"]}})
        return 1
    usage = {"input_tokens": turn.used["inputTokens"], "output_tokens": turn.used["outputTokens"]}
    show({"type": "turn.completed", "usage": usage})
    return 0
