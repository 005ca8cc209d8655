"""The agent of the fake: performs the steps of a turn as the real one does."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "model_api"))

from records import MODEL, RecordWriter
from script import DEFAULT, Action, Budget, has_steps, step_at, with_texts
from session_file import SessionFile
from skills import Skills
from stream import new_uuid
from tools import Tools

RETRY_SECONDS = 0.05
KINDS = {401: "authentication_failed", 429: "rate_limit", 500: "server_error", 529: "overloaded"}
TYPES = {401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}


class ApiFailure(Exception):
    """The model's API check_session; the message is what people are told."""

    def __init__(self, message, status=None, kind="unknown"):
        super().__init__(message)
        self.status = status
        self.kind = kind


class Agent:
    """All turns of one process."""

    def __init__(self, options, session, stdin):
        self._stdin = stdin
        self._file = SessionFile(session, options.get("resume-session-at"))
        self._records = RecordWriter(session, self._file)
        self._tools = Tools(stdin, self._change_mode)
        self._skills = Skills(stdin)
        self._budget = Budget()
        self._retries = int(os.environ.get("CLAUDE_CODE_MAX_RETRIES", "10"))
        self._partial_text = ""
        self._tool_output = ""

    def turn(self, record, text):
        """Perform one prompt up to its result."""
        self._prompt = record.get("uuid") or new_uuid()
        self._partial_text = ""
        self._records.start_turn()
        self._stdin.lifecycle(self._prompt, "started")
        self._records.system(
            "init",
            model=self._stdin.model or MODEL,
            permissionMode=self._stdin.mode,
            cwd=str(Path.cwd()),
            tools=[],
        )
        self._file.user([{"type": "text", "text": text}], self._prompt)
        text = self._skills.expand(text)
        try:
            self._steps(text)
        except ApiFailure as failure:
            self._fail(failure)
        self._stdin.lifecycle(self._prompt, "completed")

    def aborted(self):
        """End an interrupted turn."""
        ran_tool = self._tools.stop()
        if self._partial_text:
            self._records.assistant({"type": "text", "text": self._partial_text}, aborted=True)
        self._file.user([{"type": "text", "text": "[Request interrupted by user]"}])
        reason = "aborted_tools" if ran_tool else "aborted_streaming"
        self._records.result(
            subtype="error_during_execution", is_error=True, terminal_reason=reason
        )
        self._stdin.lifecycle(self._prompt, "cancelled")

    def _steps(self, text):
        self._check_key()
        place = 0
        while True:
            actions = step_at(text, place, self._budget) if has_steps(text) else DEFAULT
            actions = with_texts(actions, self._tool_output, self._file.prompts())
            calls, last = self._call(text, place, actions)
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
            raise ApiFailure("Not logged in · Please run /login", None, "authentication_failed")
        if "bad" in "".join(keys):
            self._retry_until(ApiFailure("Invalid API key · fake", 401, KINDS[401]))

    def _retry_until(self, failure):
        for attempt in range(1, self._retries + 1):
            self._records.system(
                "api_retry",
                attempt=attempt,
                max_retries=self._retries,
                error_status=failure.status,
                error=failure.kind,
            )
            self._stdin.pause(RETRY_SECONDS)
        raise failure

    def _call(self, text, place, actions):
        """One model call with its retries; returns the tool calls and the text."""
        streaming = True
        for attempt in range(self._retries + 1):
            self._records.system("status", status="requesting")
            try:
                return self._play(actions, streaming=streaming)
            except ApiFailure as failure:
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
                self._stdin.pause(RETRY_SECONDS)
                actions = step_at(text, place, self._budget)
        raise AssertionError

    def _play(self, actions, *, streaming):
        first = actions[0]
        if first.kind == "error":
            status = int(first.number)
            message = f"API Error: {status} fake error {status}"
            raise ApiFailure(message, status, KINDS.get(status, "unknown"))
        if first.kind == "slowhead":
            self._stdin.pause(first.number)
            actions = (Action("text", "late answer"),)
        self._records.start_message(self._stdin.model or MODEL, streaming=streaming)
        calls, texts = [], []
        for index, action in enumerate(actions):
            self._perform(index, action, calls, texts, streaming=streaming)
        if streaming:
            self._records.end_message("tool_use" if calls else "end_turn")
        return calls, "".join(texts)

    def _perform(self, index, action, calls, texts, *, streaming):
        if action.kind == "silence":
            self._stdin.pause(action.number)
            action = Action("text", "after the silence")
        if action.kind == "die":
            os.kill(os.getpid(), 9)
        if action.kind == "garbage":
            for line in (
                b"not json\n",
                b"[1,2]\n",
                b'{"type":"stream_event"}\n',
                b"\xff\xfe\n",
                b'{"type":"assistant","message":null}\n',
            ):
                os.write(1, line)
            return
        if action.kind == "tool":
            name, arguments = action.tool
            call_id = f"toolu_{new_uuid()}"
            call = {"type": "tool_use", "id": call_id, "name": name, "input": arguments}
            calls.append(call)
            self._records.assistant(call)
            return
        self._words(index, action, streaming=streaming)
        if action.kind in {"cut", "fail"}:
            self._break(action)
        text = "".join(action.chunks)
        if action.kind == "think":
            self._records.assistant({"type": "thinking", "thinking": text, "signature": ""})
        else:
            texts.append(text)
            self._records.assistant({"type": "text", "text": text})
        self._partial_text = ""

    def _words(self, index, action, *, streaming):
        field = "thinking" if action.kind == "think" else "text"
        for number, chunk in enumerate(
            action.chunks if action.kind != "fail" else ["some ", "text"]
        ):
            self._stdin.pause(action.delay if number else 0)
            self._records.delta(index, field, chunk, streaming=streaming)
            if field == "text":
                self._partial_text += chunk

    def _break(self, action):
        if action.kind == "fail":
            raise ApiFailure("API Error: Overloaded", None, "overloaded_event")
        self._records.event(type="message_stop")
        raise ApiFailure("API Error: Connection dropped (ECONNRESET).", None, "unknown")

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
        self._stdin.mode = mode
        self._records.system("status", status=None, permissionMode=mode)
