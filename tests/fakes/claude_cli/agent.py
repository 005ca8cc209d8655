"""The agent of the stand-in: plays a turn's steps as the real one would print them."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "model_api"))

from book import Book
from script import DEFAULT, Act, Budget, aloud, has_steps, step_at
from skills import Skills
from stream import emit, new_uuid
from work import Tools

RETRY_SECONDS = 0.05
KINDS = {401: "authentication_failed", 429: "rate_limit", 500: "server_error", 529: "overloaded"}
TYPES = {401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}
MODEL = "stand-in-model"


class Failed(Exception):
    """The model's API refused; the message is what people are told."""

    def __init__(self, message, status=None, kind="unknown"):
        super().__init__(message)
        self.status = status
        self.kind = kind


class Agent:
    """All turns of one process."""

    def __init__(self, given, session, inbox):
        self._session = session
        self._inbox = inbox
        self._book = Book(session, given.get("resume-session-at"))
        self._tools = Tools(inbox, self._told)
        self._skills = Skills(inbox)
        self._budget = Budget()
        self._retries = int(os.environ.get("CLAUDE_CODE_MAX_RETRIES", "10"))
        self._spent = 0.0
        self._said = ""
        self._heard = ""

    def turn(self, record, text):
        """Play one prompt to its result."""
        self._prompt = record.get("uuid") or new_uuid()
        self._output, self._said, self._message = 0, "", ""
        self._inbox.lifecycle(self._prompt, "started")
        self._system("init", model=self._inbox.model or MODEL, permissionMode=self._inbox.mode,
                     cwd=str(Path.cwd()), tools=[])  # fmt: skip
        self._book.user([{"type": "text", "text": text}], self._prompt)
        text = self._skills.expand(text)
        try:
            self._steps(text)
        except Failed as failure:
            self._fail(failure)
        self._inbox.lifecycle(self._prompt, "completed")

    def aborted(self):
        """End an interrupted turn."""
        doing = self._tools.stop()
        if self._said:
            self._assistant({"type": "text", "text": self._said}, aborted=True)
        self._book.user([{"type": "text", "text": "[Request interrupted by user]"}])
        reason = "aborted_tools" if doing else "aborted_streaming"
        self._result(subtype="error_during_execution", is_error=True, terminal_reason=reason)
        self._inbox.lifecycle(self._prompt, "cancelled")

    def _steps(self, text):
        self._check_key()
        place = 0
        while True:
            acts = step_at(text, place, self._budget) if has_steps(text) else DEFAULT
            acts = aloud(acts, self._heard, self._book.prompts())
            calls, last = self._call(text, place, acts)
            if not calls:
                self._result(subtype="success", is_error=False, result=last,
                             terminal_reason="completed", stop_reason="end_turn")  # fmt: skip
                return
            for call in calls:
                self._use(call)
            place += 1

    def _check_key(self):
        keys = [os.environ.get(name, "") for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")]
        if not any(keys):
            raise Failed("Not logged in · Please run /login", None, "authentication_failed")
        if "bad" in "".join(keys):
            self._retry_until(Failed("Invalid API key · stand-in", 401, KINDS[401]))

    def _retry_until(self, failure):
        for attempt in range(1, self._retries + 1):
            self._system("api_retry", attempt=attempt, max_retries=self._retries,
                         error_status=failure.status, error=failure.kind)  # fmt: skip
            self._inbox.pause(RETRY_SECONDS)
        raise failure

    def _call(self, text, place, acts):
        """One model call with its retries; returns the tool calls and the text."""
        streaming = True
        for attempt in range(self._retries + 1):
            self._system("status", status="requesting")
            try:
                return self._play(acts, streaming=streaming)
            except Failed as failure:
                self._said = ""
                if attempt == self._retries or failure.status == 400:
                    raise
                streaming = failure.kind != "overloaded_event"
                if streaming:
                    self._system("api_retry", attempt=attempt + 1, max_retries=self._retries,
                                 error_status=failure.status, error=failure.kind)  # fmt: skip
                self._inbox.pause(RETRY_SECONDS)
                acts = step_at(text, place, self._budget)
        raise AssertionError

    def _play(self, acts, *, streaming):
        first = acts[0]
        if first.kind == "error":
            status = int(first.number)
            message = f"API Error: {status} stand-in error {status}"
            raise Failed(message, status, KINDS.get(status, "unknown"))
        if first.kind == "slowhead":
            self._inbox.pause(first.number)
            acts = (Act("text", "late answer"),)
        self._message = f"msg_{new_uuid()}"
        if streaming:
            model = self._inbox.model or MODEL
            self._event(type="message_start", message={"id": self._message, "model": model})
        calls, texts = [], []
        for index, act in enumerate(acts):
            self._act(index, act, calls, texts, streaming=streaming)
        usage = {"input_tokens": 10, "output_tokens": self._output, "cache_read_input_tokens": 7}
        if streaming:
            stop = "tool_use" if calls else "end_turn"
            self._event(type="message_delta", delta={"stop_reason": stop}, usage=usage)
            self._event(type="message_stop")
        return calls, "".join(texts)

    def _act(self, index, act, calls, texts, *, streaming):
        if act.kind == "silence":
            self._inbox.pause(act.number)
            act = Act("text", "after the silence")
        if act.kind == "die":
            os.kill(os.getpid(), 9)
        if act.kind == "garbage":
            for line in (b"not json\n", b"[1,2]\n", b'{"type":"stream_event"}\n', b"\xff\xfe\n",
                         b'{"type":"assistant","message":null}\n'):  # fmt: skip
                os.write(1, line)
            return
        if act.kind == "tool":
            name, arguments = act.tool
            call = {
                "type": "tool_use",
                "id": f"toolu_{new_uuid()}",
                "name": name,
                "input": arguments,
            }
            calls.append(call)
            self._assistant(call)
            return
        self._words(index, act, streaming=streaming)
        if act.kind in {"cut", "fail"}:
            self._break(act)
        text = "".join(act.chunks)
        if act.kind == "think":
            self._assistant({"type": "thinking", "thinking": text, "signature": ""})
        else:
            texts.append(text)
            self._assistant({"type": "text", "text": text})
        self._said = ""

    def _words(self, index, act, *, streaming):
        field = "thinking" if act.kind == "think" else "text"
        for number, chunk in enumerate(act.chunks if act.kind != "fail" else ["some ", "text"]):
            self._inbox.pause(act.delay if number else 0)
            self._output += 1
            if streaming:
                delta = {"type": f"{field}_delta", field: chunk}
                self._event(type="content_block_delta", index=index, delta=delta)
            if field == "text":
                self._said += chunk

    def _break(self, act):
        if act.kind == "fail":
            raise Failed("API Error: Overloaded", None, "overloaded_event")
        self._event(type="message_stop")
        raise Failed("API Error: Connection dropped (ECONNRESET).", None, "unknown")

    def _use(self, call):
        output, failed, structured = self._tools.use(call)
        self._heard = output
        block = {"type": "tool_result", "tool_use_id": call["id"], "content": output}
        if failed:
            block["is_error"] = True
        message = {"role": "user", "content": [block]}
        emit({"type": "user", "message": message, "parent_tool_use_id": None,
              "session_id": self._session, "tool_use_result": structured})  # fmt: skip
        self._book.user([block], toolUseResult=structured)

    def _fail(self, failure):
        text = str(failure)
        message = {"id": new_uuid(), "model": "<synthetic>", "role": "assistant",
                   "content": [{"type": "text", "text": text}]}  # fmt: skip
        emit({"type": "assistant", "message": message, "parent_tool_use_id": None,
              "error": failure.kind, "is_api_error_message": True})  # fmt: skip
        self._book.assistant(message, isApiErrorMessage=True)
        self._result(subtype="success", is_error=True, result=text, terminal_reason="api_error",
                     api_error_status=failure.status,
                     api_error_type=TYPES.get(failure.status or 0))  # fmt: skip

    def _told(self, mode):
        self._inbox.mode = mode
        self._system("status", status=None, permissionMode=mode)

    def _assistant(self, block, **more):
        usage = {"input_tokens": 10, "output_tokens": self._output, "cache_read_input_tokens": 7}
        message = {"id": self._message, "type": "message", "role": "assistant", "model": MODEL,
                   "content": [block], "usage": usage}  # fmt: skip
        emit({"type": "assistant", "message": message, "parent_tool_use_id": None,
              "session_id": self._session, "uuid": new_uuid(), **more})  # fmt: skip
        stop = "tool_use" if block["type"] == "tool_use" else "end_turn"
        self._book.assistant({**message, "stop_reason": stop})

    def _event(self, **event):
        emit({"type": "stream_event", "event": event, "session_id": self._session,
              "parent_tool_use_id": None, "uuid": new_uuid()})  # fmt: skip

    def _system(self, subtype, **more):
        emit({"type": "system", "subtype": subtype, "session_id": self._session, **more})

    def _result(self, **more):
        self._spent += 0.001
        usage = {"input_tokens": 10, "output_tokens": self._output, "cache_read_input_tokens": 7}
        emit({"usage": usage, "total_cost_usd": self._spent, "session_id": self._session,
              "type": "result", **more})  # fmt: skip
