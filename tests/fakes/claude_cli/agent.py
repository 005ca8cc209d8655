"""The agent of the stand-in: plays the steps of a turn as the real one does."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "model_api"))

from book import Book
from records import MODEL, RecordWriter
from script import DEFAULT, Act, Budget, aloud, has_steps, step_at
from skills import Skills
from stream import new_uuid
from work import Tools

RETRY_SECONDS = 0.05
KINDS = {401: "authentication_failed", 429: "rate_limit", 500: "server_error", 529: "overloaded"}
TYPES = {401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}


class Failed(Exception):
    """The model's API refused; the message is what people are told."""

    def __init__(self, message, status=None, kind="unknown"):
        super().__init__(message)
        self.status = status
        self.kind = kind


class Agent:
    """All turns of one process."""

    def __init__(self, given, session, inbox):
        self._inbox = inbox
        self._book = Book(session, given.get("resume-session-at"))
        self._records = RecordWriter(session, self._book)
        self._tools = Tools(inbox, self._change_mode)
        self._skills = Skills(inbox)
        self._budget = Budget()
        self._retries = int(os.environ.get("CLAUDE_CODE_MAX_RETRIES", "10"))
        self._partial_text = ""
        self._tool_output = ""

    def turn(self, record, text):
        """Play one prompt to its result."""
        self._prompt = record.get("uuid") or new_uuid()
        self._partial_text = ""
        self._records.start_turn()
        self._inbox.lifecycle(self._prompt, "started")
        self._records.system(
            "init",
            model=self._inbox.model or MODEL,
            permissionMode=self._inbox.mode,
            cwd=str(Path.cwd()),
            tools=[],
        )
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
        if self._partial_text:
            self._records.assistant({"type": "text", "text": self._partial_text}, aborted=True)
        self._book.user([{"type": "text", "text": "[Request interrupted by user]"}])
        reason = "aborted_tools" if doing else "aborted_streaming"
        self._records.result(
            subtype="error_during_execution", is_error=True, terminal_reason=reason
        )
        self._inbox.lifecycle(self._prompt, "cancelled")

    def _steps(self, text):
        self._check_key()
        place = 0
        while True:
            acts = step_at(text, place, self._budget) if has_steps(text) else DEFAULT
            acts = aloud(acts, self._tool_output, self._book.prompts())
            calls, last = self._call(text, place, acts)
            if not calls:
                self._records.result(
                    subtype="success",
                    is_error=False,
                    result=last,
                    terminal_reason="completed",
                    stop_reason="end_turn",
                )
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
            self._records.system(
                "api_retry",
                attempt=attempt,
                max_retries=self._retries,
                error_status=failure.status,
                error=failure.kind,
            )
            self._inbox.pause(RETRY_SECONDS)
        raise failure

    def _call(self, text, place, acts):
        """One model call with its retries; returns the tool calls and the text."""
        streaming = True
        for attempt in range(self._retries + 1):
            self._records.system("status", status="requesting")
            try:
                return self._play(acts, streaming=streaming)
            except Failed as failure:
                self._partial_text = ""
                if attempt == self._retries or failure.status == 400:
                    raise
                streaming = failure.kind != "overloaded_event"
                if streaming:
                    self._records.system(
                        "api_retry",
                        attempt=attempt + 1,
                        max_retries=self._retries,
                        error_status=failure.status,
                        error=failure.kind,
                    )
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
        self._records.start_message(self._inbox.model or MODEL, streaming=streaming)
        calls, texts = [], []
        for index, act in enumerate(acts):
            self._act(index, act, calls, texts, streaming=streaming)
        if streaming:
            self._records.end_message("tool_use" if calls else "end_turn")
        return calls, "".join(texts)

    def _act(self, index, act, calls, texts, *, streaming):
        if act.kind == "silence":
            self._inbox.pause(act.number)
            act = Act("text", "after the silence")
        if act.kind == "die":
            os.kill(os.getpid(), 9)
        if act.kind == "garbage":
            for line in (
                b"not json\n",
                b"[1,2]\n",
                b'{"type":"stream_event"}\n',
                b"\xff\xfe\n",
                b'{"type":"assistant","message":null}\n',
            ):
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
            self._records.assistant(call)
            return
        self._words(index, act, streaming=streaming)
        if act.kind in {"cut", "fail"}:
            self._break(act)
        text = "".join(act.chunks)
        if act.kind == "think":
            self._records.assistant({"type": "thinking", "thinking": text, "signature": ""})
        else:
            texts.append(text)
            self._records.assistant({"type": "text", "text": text})
        self._partial_text = ""

    def _words(self, index, act, *, streaming):
        field = "thinking" if act.kind == "think" else "text"
        for number, chunk in enumerate(act.chunks if act.kind != "fail" else ["some ", "text"]):
            self._inbox.pause(act.delay if number else 0)
            self._records.delta(index, field, chunk, streaming=streaming)
            if field == "text":
                self._partial_text += chunk

    def _break(self, act):
        if act.kind == "fail":
            raise Failed("API Error: Overloaded", None, "overloaded_event")
        self._records.event(type="message_stop")
        raise Failed("API Error: Connection dropped (ECONNRESET).", None, "unknown")

    def _use(self, call):
        output, failed, structured = self._tools.use(call)
        self._tool_output = output
        self._records.tool_result(call["id"], output, structured, failed=failed)

    def _fail(self, failure):
        text = str(failure)
        self._records.api_error(text, failure.kind)
        self._records.result(
            subtype="success",
            is_error=True,
            result=text,
            terminal_reason="api_error",
            api_error_status=failure.status,
            api_error_type=TYPES.get(failure.status or 0),
        )

    def _change_mode(self, mode):
        self._inbox.mode = mode
        self._records.system("status", status=None, permissionMode=mode)
