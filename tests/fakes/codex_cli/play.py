"""One turn of the stand-in: its model calls as notifications, and as rows on disk."""

import asyncio
import json
import os
import signal

from rollout import new_id
from script import DEFAULT, Act, has_steps, step_at
from work import patched

RETRIES = 1
OPEN, SHUT = "<proposed_plan>\n", "</proposed_plan>\n"
FAILURES = {
    400: ("stand-in error 400", "other"),
    401: ("unexpected status 401 Unauthorized", {"httpConnectionFailed": {"httpStatusCode": 401}}),
    429: ("last status: 429", {"responseTooManyFailedAttempts": {"httpStatusCode": 429}}),
    500: ("We are experiencing high demand", "internalServerError"),
    503: ("Selected model is at capacity", "serverOverloaded"),
}
CUT = ("stream disconnected before completion", "other")


class Failed(Exception):
    """The model's API failed; what is told of it, and whether another try may help."""

    def __init__(self, message, info, *, again):
        super().__init__(message)
        self.error = {"message": message, "codexErrorInfo": info, "additionalDetails": None}
        self.again = again


class Play:
    """A turn."""

    def __init__(self, thread, turn_id, text, mode, policy):
        self.thread, self.turn_id, self.text = thread, turn_id, text
        self.plan_mode, self.asks = mode == "plan", policy != "never"
        self.used = {"inputTokens": 0, "outputTokens": 0, "reasoningOutputTokens": 0}
        self.heard = "nothing"

    def tell(self, method, **params):
        self.thread.tell(method, turnId=self.turn_id, **params)

    async def run(self):
        """Play to the end; returns the turn's error, if one ended it."""
        self._begin()
        if has_steps(self.text):
            self.thread.script = self.text
        place = 0
        try:
            while await self._step(place):
                place += 1
        except Failed as failure:
            self.tell("error", error=failure.error, willRetry=False)
            return failure.error
        return None

    def _begin(self):
        disk = self.thread.rollout
        disk.made()
        disk.write("event_msg", type="task_started", turn_id=self.turn_id)
        disk.write("turn_context", turn_id=self.turn_id, model="stand-in-model")
        content = [{"type": "text", "text": self.text, "text_elements": []}]
        item = {"id": new_id(), "content": content}
        self.tell("turn/started", turn={"id": self.turn_id, "status": "inProgress"})
        self.tell("item/started", item={"type": "userMessage", **item})
        self.tell("item/completed", item={"type": "userMessage", **item})
        disk.item(self.turn_id, {"type": "UserMessage", **item})

    async def _step(self, place):
        for attempt in range(RETRIES + 1):
            try:
                return await self._call(place)
            except Failed as failure:
                if attempt == RETRIES or not failure.again:
                    raise
                error = {**failure.error, "message": f"Reconnecting... {attempt + 1}/{RETRIES}"}
                self.tell("error", error=error, willRetry=True)
        return False

    async def _call(self, place):
        script = self.thread.script
        acts = step_at(script, place, self.thread.budget) if script else DEFAULT
        self.last = {"inputTokens": 100, "cachedInputTokens": 7, "cacheWriteInputTokens": 0}
        self.last |= {"outputTokens": 0, "reasoningOutputTokens": 0}
        calls = []
        for act in acts:
            if act.kind == "tool":
                calls.append(act)
            else:
                await self._act(act)
        for number, act in enumerate(calls):
            self.thread.rollout.write(
                "response_item", type="function_call", name=act.tool[0], turn_id=self.turn_id
            )
            await self._tool(f"call_{self.turn_id}_{place}_{number}", *act.tool)
        self._usage()
        return bool(calls)

    async def _act(self, act):
        match act.kind:
            case "error":
                status = int(act.number)
                message, info = FAILURES.get(status, FAILURES[500])
                raise Failed(message, info, again=status in {401, 500} or act.times is not None)
            case "think":
                await self._words("reasoning", act, "item/reasoning/summaryTextDelta")
                self.last["reasoningOutputTokens"] += 2
                self.last["outputTokens"] += 2
            case "silence" | "slowhead":
                await asyncio.sleep(act.number)
                await self._words("agentMessage", Act("text", "late"), "item/agentMessage/delta")
            case "die":
                # the real one dies in a tool: its call is on disk by then
                self.thread.rollout.write(
                    "response_item", type="function_call", name="die", turn_id=self.turn_id
                )
                os.kill(os.getpid(), signal.SIGKILL)
            case "garbage":
                self.thread.raw(b'{"method":"item/agentMessage/delta","params":{"delta":"ha\n')
                self.thread.raw(b'\xff\xfe not json\n[1]\n"text"\n{}\n{"method":7}\n')
                self.thread.raw(b'{"method":["a"],"params":{"threadId":[1],"turn":{}}}\n')
                self.thread.raw(b'{"method":"turn/started","params":{"threadId":{},"turn":7}}\n')
                self.thread.raw(b'{"method":"thread/closed","params":{}}\n{"id":[1],"result":1}\n')
            case _:
                heard = Act("exact", json.dumps(self.heard))
                spoken = heard if act.kind == "heard" else act
                await self._words("agentMessage", spoken, "item/agentMessage/delta")

    async def _words(self, kind, act, method):
        item_id = f"item_{new_id()}"
        empty = {"text": ""} if kind == "agentMessage" else {"summary": [], "content": []}
        self.tell("item/started", item={"type": kind, "id": item_id, **empty})
        whole = ""
        for number, chunk in enumerate(act.chunks):
            if number and act.delay:
                await asyncio.sleep(act.delay)
            whole += chunk
            self.last["outputTokens"] += 1
            if not (self.plan_mode and kind == "agentMessage"):
                self.tell(method, itemId=item_id, delta=chunk, summaryIndex=0)
            await asyncio.sleep(0)
        if act.kind == "cut":
            raise Failed(*CUT, again=True)
        if kind == "reasoning":
            self.tell("item/completed", item={"type": kind, "id": item_id, "summary": [whole]})
            row = {"type": "Reasoning", "id": item_id, "summary_text": [whole]}
            self.thread.rollout.item(self.turn_id, row)
        else:
            self._said(item_id, whole)

    def _said(self, item_id, whole):
        if self.plan_mode and OPEN in whole:
            plan = whole.partition(OPEN)[2].partition(SHUT)[0]
            whole = whole.replace(OPEN + plan + SHUT, "")
            item = {"id": f"{self.turn_id}-plan", "text": plan}
            self.tell("item/completed", item={"type": "plan", **item})
            self.thread.rollout.item(self.turn_id, {"type": "Plan", **item})
        self.tell("item/completed", item={"type": "agentMessage", "id": item_id, "text": whole})
        content = [{"type": "Text", "text": whole}]
        row = {"type": "AgentMessage", "id": item_id, "content": content}
        self.thread.rollout.item(self.turn_id, row)

    def _usage(self):
        self.tell("thread/tokenUsage/updated", tokenUsage={"last": self.last})
        usage = {
            "input_tokens": self.last["inputTokens"],
            "cached_input_tokens": self.last["cachedInputTokens"],
            "output_tokens": self.last["outputTokens"],
            "reasoning_output_tokens": self.last["reasoningOutputTokens"],
        }
        self.used = {key: count + self.last[key] for key, count in self.used.items()}
        self.thread.rollout.write("token_usage_record", turn_id=self.turn_id, usage=usage)

    async def _tool(self, call_id, name, arguments):
        if name == "request_user_input":
            asked = {"itemId": call_id, "questions": arguments["questions"], "isBlocking": True}
            answer = await self.thread.ask("item/tool/requestUserInput", self.turn_id, asked)
            self.heard = json.dumps(answer)
        elif name == "exec_command":
            command = arguments["cmd"]
            files = patched(command)
            if files is None:
                await self._command(call_id, command)
            else:
                await self._patch(call_id, files)
        else:
            self.heard = f"unsupported call: {name}"

    async def _command(self, call_id, command):
        line = ["/bin/bash", "-lc", command]
        item = {"type": "commandExecution", "id": call_id, "command": line, "status": "inProgress"}
        self.tell("item/started", item=item)
        status, output, code = "declined", None, None
        unasked = not self.asks or command.startswith("python3")  # as the rules file says
        if unasked or await self._leave("item/commandExecution/requestApproval", call_id):
            output, code = await self.thread.work.run(command)
            status = "failed" if code else "completed"
        ended = {"status": status, "aggregatedOutput": output, "exitCode": code}
        self.tell("item/completed", item={**item, **ended})
        row = {"type": "CommandExecution", "id": call_id, "command": line, "status": status}
        row |= {"aggregated_output": output, "exit_code": code}
        self.thread.rollout.item(self.turn_id, row)
        self.heard = output or status

    async def _patch(self, call_id, files):
        paths = {str(self.thread.work.cwd / path): text for path, text in files.items()}
        changes = [{"path": p, "kind": {"type": "add"}, "diff": t} for p, t in paths.items()]
        item = {"type": "fileChange", "id": call_id, "changes": changes, "status": "inProgress"}
        self.tell("item/started", item=item)
        status = "declined"
        if not self.asks or await self._leave("item/fileChange/requestApproval", call_id):
            self.thread.work.write(files)
            status = "completed"
        self.tell("item/completed", item={**item, "status": status})
        kept = {path: {"type": "add", "content": text} for path, text in paths.items()}
        row = {"type": "FileChange", "id": call_id, "changes": kept, "status": status}
        self.thread.rollout.item(self.turn_id, row)
        self.heard = status

    async def _leave(self, method, call_id):
        answer = await self.thread.ask(method, self.turn_id, {"itemId": call_id})
        return answer.get("decision") == "accept"
