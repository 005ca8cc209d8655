"""One run: the directives of its prompt, played as the real gateway would tell them."""

import asyncio
import os
import signal
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from book import Book, now
from script import DEFAULT, Act, Budget, has_steps, step_at
from tasks import Tasks

KINDS = {401: "auth", 429: "rate_limit", 529: "overloaded", 400: "format", 500: "server_error"}
TOOL_SECONDS = 600
Tell = Callable[[str, dict[str, Any]], None]


class Failed(Exception):
    """The model failed: reason and words."""


class Run:
    """A prompt being answered. `ended` holds what `agent.wait` says then."""

    def __init__(
        self, run_id: str, session: dict[str, Any], book: Book, tell: Tell, tasks: Tasks
    ) -> None:
        self.run_id = run_id
        self.key = session["key"]
        self.ended: dict[str, Any] | None = None
        self.events: list[dict[str, Any]] = []
        self.asked: dict[str, asyncio.Future[str]] = {}
        self.requests: dict[str, dict[str, Any]] = {}
        self.task: asyncio.Task[None] | None = None
        self._session = session
        self._tasks = tasks
        self._book = book
        self._tell = tell
        self._seq = 0
        self.text = ""
        self._said = ""
        self._item = ""

    async def play(self, prompt: str, budget: Budget) -> None:
        """Play it to its end."""
        self._book.add(self.key, self.run_id, {"role": "user", "content": prompt})
        self._session["startedAt"] = now()
        self._agent("lifecycle", {"phase": "start"})
        try:
            for place in range(1000):
                acts = step_at(prompt, place, budget) if has_steps(prompt) else DEFAULT
                self._agent("lifecycle", {"phase": "model", "provider": "stand-in", "model": "m"})
                if not await self._step(acts):
                    break
            self._end({"status": "ok"})
            self._chat("final", stopReason="stop", message=self._message(self._said))
        except Failed as failed:
            reason, words = failed.args
            self._agent(
                "lifecycle",
                {
                    "phase": "finishing",
                    "error": words,
                    "errorObservation": {"failoverReason": reason},
                },
            )
            self._end({"status": "error", "error": words})
            detail = {"failoverReason": reason}
            self._chat("error", errorMessage=f"\u26a0\ufe0f {words}", errorDetail=detail)
            self._chat("error", errorMessage=f"\u26a0\ufe0f Agent failed before reply: {words}")
        except asyncio.CancelledError:
            self._end({"status": "error", "error": "aborted", "stopReason": "aborted"})
            self._chat("aborted", stopReason="rpc", message=self._message(self._said))

    async def _step(self, acts: Sequence[Act]) -> bool:
        """Play one answer of the model; say whether it called tools."""
        self._item, self.text = str(uuid.uuid4()), ""
        calls = []
        for act in acts:
            if act.kind == "tool":
                calls.append((f"call_{uuid.uuid4().hex[:20]}", *act.tool))
            else:
                await self._act(act)
        self._record(calls)
        for call_id, name, arguments in calls:
            await self._tool(call_id, name, arguments)
        return bool(calls)

    async def _act(self, act: Act) -> None:
        match act.kind:
            case "error":
                status = int(act.number)
                words = f"stand-in/m request failed (HTTP {status})."
                words = "API rate limit reached." if status == 429 else words
                raise Failed(KINDS.get(status, "server_error"), words)
            case "silence" | "slowhead":
                await asyncio.sleep(act.number)
            case "garbage":
                self._tell("", {"raw": b'{"type":"event","event":"agent","pay'})
                self._tell("agent", {"runId": self.run_id, "stream": "assistant", "data": [1]})
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
            case _:
                for chunk in act.chunks:
                    await self._say(chunk)
                    await asyncio.sleep(act.delay)
                if act.kind == "cut":
                    self._agent("assistant", {"itemId": self._item, "text": "", "replace": True})
                    self.text = ""
                    raise Failed("timeout", "LLM request timed out.")

    async def _say(self, chunk: str) -> None:
        self.text += chunk
        self._said += chunk
        self._agent("assistant", {"text": self.text, "delta": chunk, "itemId": self._item})

    def _record(self, calls: list[tuple[str, str, dict[str, Any]]]) -> None:
        content: list[dict[str, Any]] = []
        if self.text:
            content.append({"type": "text", "text": self.text})
        content += [
            {"type": "toolCall", "id": call_id, "name": name, "arguments": arguments}
            for call_id, name, arguments in calls
        ]
        usage = {"input": 100, "output": max(1, len(self.text.split())), "cacheRead": 7}
        message = self._book.add(
            self.key,
            self.run_id,
            {
                "role": "assistant",
                "content": content,
                "provider": "stand-in",
                "model": "m",
                "usage": {**usage, "cacheWrite": 0, "cost": {"total": 0}},
                "stopReason": "toolUse" if calls else "stop",
            },
        )
        self._tell("session.message", {"sessionKey": self.key, "message": message})

    async def _tool(self, call_id: str, name: str, arguments: dict[str, Any]) -> None:
        title = {"kind": "tool", "toolCallId": call_id, "phase": "start", "title": f"{name} it"}
        self._agent("item", title)
        self._agent(
            "tool", {"phase": "start", "name": name, "toolCallId": call_id, "args": arguments}
        )
        failed, output = await self._carry_out(call_id, name, arguments)
        result = {"content": [{"type": "text", "text": output}], "details": {}}
        ended = {"phase": "result", "name": name, "toolCallId": call_id, "isError": failed}
        self._agent("tool", {**ended, "result": result})
        self._book.add(
            self.key,
            self.run_id,
            {
                "role": "toolResult",
                "toolCallId": call_id,
                "toolName": name,
                "content": result["content"],
                "isError": failed,
            },
        )

    async def _carry_out(
        self, call_id: str, name: str, arguments: dict[str, Any]
    ) -> tuple[bool, str]:
        folder = Path(self._session.get("spawnedCwd") or Path.home())
        if name == "write":
            (folder / arguments["path"]).write_text(arguments["content"])
            return False, f"Successfully wrote {arguments['path']}"
        if name != "exec":
            return True, f"Tool {name} not found"
        guarded = self._session.get("permissionMode") == "guarded"
        if guarded and await self._ask(call_id, arguments["command"]) != "allow-once":
            return True, "exec denied"
        process = await asyncio.create_subprocess_shell(
            arguments["command"],
            cwd=folder,
            env={**os.environ, "OPENCLAW_SHELL": "exec"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        if arguments.get("background"):
            return False, f"Command still running (session {self._tasks.add(self.key, process)})."
        try:
            output, _ = await asyncio.wait_for(process.communicate(), TOOL_SECONDS)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return False, output.decode() or "(no output)"

    async def _ask(self, call_id: str, command: str) -> str:
        number = str(uuid.uuid4())
        self.asked[number] = asyncio.get_running_loop().create_future()
        request = {"command": command, "runId": self.run_id, "toolCallId": call_id}
        self.requests[number] = request
        self._tell("exec.approval.requested", {"id": number, "request": request})
        try:
            decision = await self.asked[number]
        finally:
            del self.asked[number], self.requests[number]
        resolved = {"id": number, "decision": decision, "request": request}
        self._tell("exec.approval.resolved", resolved)
        return decision

    def _end(self, state: dict[str, Any]) -> None:
        self._session["endedAt"] = now()
        self.ended = {"runId": self.run_id, **state}

    def _agent(self, stream: str, data: dict[str, Any]) -> None:
        self._seq += 1
        event = {
            "runId": self.run_id,
            "stream": stream,
            "data": data,
            "seq": self._seq,
            "ts": now(),
        }
        if stream in {"tool", "item"}:
            self.events.append(event)
        self._tell("agent", {**event, "sessionKey": self.key})

    def _chat(self, state: str, **more: Any) -> None:
        body = {"runId": self.run_id, "sessionKey": self.key, "state": state, "seq": self._seq}
        self._tell("chat", {**body, **more})

    def _message(self, text: str) -> dict[str, Any]:
        return {"role": "assistant", "content": [{"type": "text", "text": text}]}
