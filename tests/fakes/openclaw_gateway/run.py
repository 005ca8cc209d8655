"""One run: performs the directives of its prompt and sends the events of the real gateway."""

import asyncio
import os
import signal
import uuid
from collections.abc import Sequence
from typing import Any

from script import DEFAULT, Action, Budget, has_steps, step_at
from session_store import SessionStore, now
from tasks import Tasks
from tool_runner import Publish, ToolRunner

KINDS = {401: "auth", 429: "rate_limit", 529: "overloaded", 400: "format", 500: "server_error"}


class ModelFailure(Exception):
    """The model failed. Arguments: reason and message."""


class Run:
    """A prompt in progress. `ended` is the answer of `agent.wait` after the end."""

    def __init__(
        self,
        run_id: str,
        session: dict[str, Any],
        store: SessionStore,
        publish: Publish,
        tasks: Tasks,
    ) -> None:
        self.run_id = run_id
        self.key = session["key"]
        self.ended: dict[str, Any] | None = None
        self.events: list[dict[str, Any]] = []
        self.tools = ToolRunner(run_id, session, publish, tasks)
        self.task: asyncio.Task[None] | None = None
        self._session = session
        self._store = store
        self._publish = publish
        self._seq = 0
        self.text = ""
        self._whole_text = ""
        self._item = ""

    async def play(self, prompt: str, budget: Budget) -> None:
        """Perform the prompt to its end."""
        self._store.add(self.key, self.run_id, {"role": "user", "content": prompt})
        self._session["startedAt"] = now()
        self._agent("lifecycle", {"phase": "start"})
        try:
            for index in range(1000):
                actions = step_at(prompt, index, budget) if has_steps(prompt) else DEFAULT
                self._agent("lifecycle", {"phase": "model", "provider": "fake", "model": "m"})
                if not await self._step(actions):
                    break
            self._end({"status": "ok"})
            self._chat("final", stopReason="stop", message=self._message(self._whole_text))
        except ModelFailure as failure:
            reason, message = failure.args
            self._agent(
                "lifecycle",
                {
                    "phase": "finishing",
                    "error": message,
                    "errorObservation": {"failoverReason": reason},
                },
            )
            self._end({"status": "error", "error": message})
            detail = {"failoverReason": reason}
            self._chat("error", errorMessage=f"\u26a0\ufe0f {message}", errorDetail=detail)
            self._chat("error", errorMessage=f"\u26a0\ufe0f Agent failed before reply: {message}")
        except asyncio.CancelledError:
            self._end({"status": "error", "error": "aborted", "stopReason": "aborted"})
            self._chat("aborted", stopReason="rpc", message=self._message(self._whole_text))

    def skip(self) -> None:
        """End without running the prompt, as when an interrupted run is about to continue."""
        self._end({"status": "ok"})
        body = {"runId": self.run_id, "sessionKey": self.key, "state": "final", "seq": 1}
        asyncio.get_running_loop().call_later(0.1, self._publish, "chat", body)

    async def _step(self, actions: Sequence[Action]) -> bool:
        """Perform one answer of the model; return whether it called tools."""
        self._item, self.text = str(uuid.uuid4()), ""
        calls = []
        for action in actions:
            if action.kind == "tool":
                calls.append((f"call_{uuid.uuid4().hex[:20]}", *action.tool))
            else:
                await self._perform(action)
        self._record(calls)
        for call_id, name, arguments in calls:
            await self._tool(call_id, name, arguments)
        return bool(calls)

    async def _perform(self, action: Action) -> None:
        match action.kind:
            case "error":
                status = int(action.number)
                message = f"fake/m request failed (HTTP {status})."
                message = "API rate limit reached." if status == 429 else message
                raise ModelFailure(KINDS.get(status, "server_error"), message)
            case "silence" | "slowhead":
                await asyncio.sleep(action.number)
            case "garbage":
                self._publish("", {"raw": b'{"type":"event","event":"agent","pay'})
                self._publish("agent", {"runId": self.run_id, "stream": "assistant", "data": [1]})
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
            case _:
                for chunk in action.chunks:
                    await self._send_text(chunk)
                    await asyncio.sleep(action.delay)
                if action.kind == "cut":
                    self._agent("assistant", {"itemId": self._item, "text": "", "replace": True})
                    self.text = ""
                    raise ModelFailure("timeout", "LLM request timed out.")

    async def _send_text(self, chunk: str) -> None:
        self.text += chunk
        self._whole_text += chunk
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
        message = self._store.add(
            self.key,
            self.run_id,
            {
                "role": "assistant",
                "content": content,
                "provider": "fake",
                "model": "m",
                "usage": {**usage, "cacheWrite": 0, "cost": {"total": 0}},
                "stopReason": "toolUse" if calls else "stop",
            },
        )
        self._publish("session.message", {"sessionKey": self.key, "message": message})

    async def _tool(self, call_id: str, name: str, arguments: dict[str, Any]) -> None:
        title = {"kind": "tool", "toolCallId": call_id, "phase": "start", "title": f"{name} it"}
        self._agent("item", title)
        self._agent(
            "tool", {"phase": "start", "name": name, "toolCallId": call_id, "args": arguments}
        )
        failed, output = await self.tools.run(call_id, name, arguments)
        result = {"content": [{"type": "text", "text": output}], "details": {}}
        ended = {"phase": "result", "name": name, "toolCallId": call_id, "isError": failed}
        self._agent("tool", {**ended, "result": result})
        self._store.add(
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
        self._publish("agent", {**event, "sessionKey": self.key})

    def _chat(self, state: str, **more: Any) -> None:
        body = {"runId": self.run_id, "sessionKey": self.key, "state": state, "seq": self._seq}
        self._publish("chat", {**body, **more})

    def _message(self, text: str) -> dict[str, Any]:
        return {"role": "assistant", "content": [{"type": "text", "text": text}]}
