"""Standard input and output of the fake: records out, prompts and control requests in."""

import json
import os
import select
import sys


class Interrupted(Exception):
    """The host interrupts the turn."""


def new_uuid():
    raw = os.urandom(16).hex()
    return f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-a{raw[17:20]}-{raw[20:]}"


def emit(record):
    """Print one record, compact as the real one."""
    data = memoryview(
        json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    )
    while data:
        data = data[os.write(1, data) :]


class StdinReader:
    """Reads prompts and control requests from stdin, only while a caller waits."""

    def __init__(self, session):
        self.session = session
        self.mode = "default"
        self.model = None
        self.idle = True
        self.reload_skills = False
        self.accepts_input = True
        self._prompts = []
        self._answers = {}
        self._rest = b""
        self._open = True

    def close_input(self):
        """Accept no more input: the prompt was all of it."""
        self._open = self.accepts_input = False

    def next_prompt(self):
        """Wait for a user record; None at the end of input."""
        self.idle = True
        while not self._prompts and self._open:
            self._read(None)
        self.idle = False
        return self._prompts.pop(0) if self._prompts else None

    def pause(self, seconds):
        """Wait while control requests are served. Raises Interrupted."""
        if seconds > 0:
            self._until(lambda: False, seconds)
        else:
            self._read(0)

    def answer(self, request_id, gone=lambda: False):
        """Wait for the answer to a control request of ours."""
        self._until(lambda: request_id in self._answers or gone(), 3600)
        return self._answers.pop(request_id, {})

    def _until(self, holds, seconds):
        end = os.times().elapsed + seconds
        while not holds():
            left = end - os.times().elapsed
            if left <= 0 or (not self._open and left <= 0):
                return
            self._read(left)

    def _read(self, seconds):
        if not self._open:
            # input is closed: only time can pass
            select.select([], [], [], min(seconds or 0, 3600))
            return
        ready, _, _ = select.select([0], [], [], seconds)
        if not ready:
            return
        data = os.read(0, 1 << 20)
        if not data:
            self._open = False
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line)

    def _take(self, line):
        try:
            record = json.loads(line)
            kind = record["type"]
        except (ValueError, KeyError, TypeError):
            sys.stderr.write("Error parsing streaming input line\n")
            os._exit(1)
        if kind == "user":
            self._queue(record)
        elif kind == "control_response":
            body = record["response"]
            self._answers[body["request_id"]] = body.get("response") or {}
        elif kind == "control_request":
            self._control(record["request_id"], record["request"])

    def _queue(self, record):
        self._prompts.append(record)
        if record.get("uuid"):
            self.lifecycle(record["uuid"], "queued")

    def lifecycle(self, command, state):
        emit({"type": "command_lifecycle", "command_uuid": command, "state": state})

    def _control(self, request_id, request):
        kind = request["subtype"]
        answer = {}
        if kind == "initialize":
            answer = {"commands": [], "models": [], "pid": os.getpid()}
        elif kind == "set_permission_mode":
            self.mode = answer["mode"] = request["mode"]
        elif kind == "set_model":
            self.model = answer["model"] = request.get("model")
        elif kind == "reload_skills":
            self.reload_skills = True
        body = {"subtype": "success", "request_id": request_id, "response": answer}
        if kind == "nonsense":
            body = {"subtype": "error", "request_id": request_id, "error": "unsupported"}
        emit({"type": "control_response", "response": body})
        if kind == "interrupt" and not self.idle:
            raise Interrupted
