"""One turn of the fake: its model calls as notifications, and as rows on disk."""

import asyncio
import json
import os
import signal

from rollout import new_id
from script import DEFAULT, Action, has_steps, step_at
from tools import parse_patch

RETRIES = 1
OPEN, SHUT = "<proposed_plan>\n", "</proposed_plan>\n"
FAILURES = {
    400: ("fake error 400", "other"),
    401: ("unexpected status 401 Unauthorized", {"httpConnectionFailed": {"httpStatusCode": 401}}),
    429: ("last status: 429", {"responseTooManyFailedAttempts": {"httpStatusCode": 429}}),
    500: ("We are experiencing high demand", "internalServerError"),
    503: ("Selected model is at capacity", "serverOverloaded"),
}
STORED_USAGE = {
    "input_tokens": "inputTokens",
    "cached_input_tokens": "cachedInputTokens",
    "output_tokens": "outputTokens",
    "reasoning_output_tokens": "reasoningOutputTokens",
}
CUT = ("stream disconnected before completion", "other")


class ApiFailure(Exception):
    """The model API failed: the error that clients get, and whether a retry may help."""

    def __init__(self, message, info, *, is_retryable):
        super().__init__(message)
        self.error = {"message": message, "codexErrorInfo": info, "additionalDetails": None}
        self.is_retryable = is_retryable


class CodexTurn:
    """A turn."""

    def __init__(self, thread, turn_id, text, mode, policy):
        self.thread, self.turn_id, self.text = thread, turn_id, text
        self.plan_mode, self.requests_approval = mode == "plan", policy != "never"
        self.used = {"inputTokens": 0, "outputTokens": 0, "reasoningOutputTokens": 0}
        self.tool_output = "nothing"
        self._message = {"id": new_id(), "content": [{"type": "text", "text": text}]}

    def notify(self, method, **params):
        self.thread.notify(method, turnId=self.turn_id, **params)

    async def run(self):
        """CodexTurn to the end; returns the turn's error, if one ended it."""
        self._begin()
        if has_steps(self.text):
            self.thread.script = self.text
        place = 0
        try:
            while await self._step(place):
                place += 1
        except ApiFailure as failure:
            self.notify("error", error=failure.error, willRetry=False)
            return failure.error
        return None

    def store(self):
        """Write the turn and its message to the disk."""
        disk = self.thread.rollout
        disk.made()
        disk.write("event_msg", type="task_started", turn_id=self.turn_id)
        disk.write("turn_context", turn_id=self.turn_id, model="fake-model")
        disk.item(self.turn_id, {"type": "UserMessage", **self._message})

    def _begin(self):
        self.notify("turn/started", turn={"id": self.turn_id, "status": "inProgress"})
        for method in ("item/started", "item/completed"):
            self.notify(method, item={"type": "userMessage", **self._message})

    async def _step(self, place):
        for attempt in range(RETRIES + 1):
            try:
                return await self._call(place)
            except ApiFailure as failure:
                if attempt == RETRIES or not failure.is_retryable:
                    raise
                error = {**failure.error, "message": f"Reconnecting... {attempt + 1}/{RETRIES}"}
                self.notify("error", error=error, willRetry=True)
        return False

    async def _call(self, place):
        script = self.thread.script
        actions = step_at(script, place, self.thread.budget) if script else DEFAULT
        self.last = {"inputTokens": 100, "cachedInputTokens": 7, "cacheWriteInputTokens": 0}
        self.last |= {"outputTokens": 0, "reasoningOutputTokens": 0}
        calls = []
        for action in actions:
            if action.kind == "tool":
                calls.append(action)
            else:
                await self._perform(action)
        for number, action in enumerate(calls):
            self.thread.rollout.write(
                "response_item", type="function_call", name=action.tool[0], turn_id=self.turn_id
            )
            await self._tool(f"call_{self.turn_id}_{place}_{number}", *action.tool)
        self._usage()
        return bool(calls)

    async def _perform(self, action):
        match action.kind:
            case "error":
                status = int(action.number)
                message, info = FAILURES.get(status, FAILURES[500])
                raise ApiFailure(
                    message, info, is_retryable=status in {401, 500} or action.times is not None
                )
            case "think":
                await self._words("reasoning", action, "item/reasoning/summaryTextDelta")
                self.last["reasoningOutputTokens"] += 2
                self.last["outputTokens"] += 2
            case "silence" | "slowhead":
                await asyncio.sleep(action.number)
                await self._words("agentMessage", Action("text", "late"), "item/agentMessage/delta")
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
                tool_output = Action("exact", json.dumps(self.tool_output))
                action = tool_output if action.kind == "result" else action
                await self._words("agentMessage", action, "item/agentMessage/delta")

    async def _words(self, kind, action, method):
        item_id = f"item_{new_id()}"
        empty = {"text": ""} if kind == "agentMessage" else {"summary": [], "content": []}
        self.notify("item/started", item={"type": kind, "id": item_id, **empty})
        whole = ""
        for number, chunk in enumerate(action.chunks):
            if number and action.delay:
                await asyncio.sleep(action.delay)
            whole += chunk
            self.last["outputTokens"] += 1
            if not (self.plan_mode and kind == "agentMessage"):
                self.notify(method, itemId=item_id, delta=chunk, summaryIndex=0)
            await asyncio.sleep(0)
        if action.kind == "cut":
            raise ApiFailure(*CUT, is_retryable=True)
        if kind == "reasoning":
            self.notify("item/completed", item={"type": kind, "id": item_id, "summary": [whole]})
            row = {"type": "Reasoning", "id": item_id, "summary_text": [whole]}
            self.thread.rollout.item(self.turn_id, row)
        else:
            self._complete_message(item_id, whole)

    def _complete_message(self, item_id, whole):
        if self.plan_mode and OPEN in whole:
            plan = whole.partition(OPEN)[2].partition(SHUT)[0]
            whole = whole.replace(OPEN + plan + SHUT, "")
            item = {"id": f"{self.turn_id}-plan", "text": plan}
            self.notify("item/completed", item={"type": "plan", **item})
            self.thread.rollout.item(self.turn_id, {"type": "Plan", **item})
        self.notify("item/completed", item={"type": "agentMessage", "id": item_id, "text": whole})
        content = [{"type": "Text", "text": whole}]
        row = {"type": "AgentMessage", "id": item_id, "content": content}
        self.thread.rollout.item(self.turn_id, row)

    def _usage(self):
        self.notify("thread/tokenUsage/updated", tokenUsage={"last": self.last})
        usage = {name: self.last[field] for name, field in STORED_USAGE.items()}
        self.used = {key: count + self.last[key] for key, count in self.used.items()}
        self.thread.rollout.write("token_usage_record", turn_id=self.turn_id, usage=usage)

    async def _tool(self, call_id, name, arguments):
        if name == "request_user_input":
            asked = {"itemId": call_id, "questions": arguments["questions"], "isBlocking": True}
            answer = await self.thread.ask("item/tool/requestUserInput", self.turn_id, asked)
            self.tool_output = json.dumps(answer)
        elif name == "exec_command":
            command = arguments["cmd"]
            files = parse_patch(command)
            if files is None:
                await self._command(call_id, command)
            else:
                await self._patch(call_id, files)
        else:
            self.tool_output = f"unsupported call: {name}"

    async def _command(self, call_id, command):
        line = ["/bin/bash", "-lc", command]
        item = {"type": "commandExecution", "id": call_id, "command": line, "status": "inProgress"}
        self.notify("item/started", item=item)
        status, output, code = "declined", None, None
        is_allowed = not self.requests_approval or command.startswith(
            "python3"
        )  # as the rules file allows
        if is_allowed or await self._request_approval(
            "item/commandExecution/requestApproval", call_id
        ):
            output, code = await self.thread.commands.run(command)
            status = "failed" if code else "completed"
        ended = {"status": status, "aggregatedOutput": output, "exitCode": code}
        self.notify("item/completed", item={**item, **ended})
        row = {"type": "CommandExecution", "id": call_id, "command": line, "status": status}
        row |= {"aggregated_output": output, "exit_code": code}
        self.thread.rollout.item(self.turn_id, row)
        self.tool_output = output or status

    async def _patch(self, call_id, files):
        paths = {str(self.thread.commands.cwd / path): text for path, text in files.items()}
        changes = [{"path": p, "kind": {"type": "add"}, "diff": t} for p, t in paths.items()]
        item = {"type": "fileChange", "id": call_id, "changes": changes, "status": "inProgress"}
        self.notify("item/started", item=item)
        status = "declined"
        if not self.requests_approval or await self._request_approval(
            "item/fileChange/requestApproval", call_id
        ):
            self.thread.commands.write(files)
            status = "completed"
        self.notify("item/completed", item={**item, "status": status})
        kept = {path: {"type": "add", "content": text} for path, text in paths.items()}
        row = {"type": "FileChange", "id": call_id, "changes": kept, "status": status}
        self.thread.rollout.item(self.turn_id, row)
        self.tool_output = status

    async def _request_approval(self, method, call_id):
        answer = await self.thread.ask(method, self.turn_id, {"itemId": call_id})
        return answer.get("decision") == "accept"
