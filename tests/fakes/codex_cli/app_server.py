"""The fake's `app-server`: JSON lines on stdin and stdout, many threads."""

import asyncio
import itertools
import json
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

import device_login
from codex_turn import CodexTurn
from rollout import HOME, Locked, NoRollout, Rollout, new_id
from script import Budget
from tools import CommandRunner

LINE_LIMIT = 64 * 1024 * 1024
# while this file exists, the next turn is stored and the process ends without an answer
UNANSWERED = HOME / "unanswered"
# while one of these exists, the next turn is answered and the process ends at once: with the turn
# stored, or, as the real one does under load, before it is
ANSWERED = HOME / "answered"
UNSTORED = HOME / "unstored"
END_SECONDS = 0.05
MODEL = {"model": "fake-model", "modelProvider": "fake", "reasoningEffort": None}


class Refused(Exception):
    """A request can't be served; the text is told."""


def emit(record):
    write(json.dumps(record, separators=(",", ":")).encode() + b"\n")


def write(data):
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


class Thread:
    """A loaded thread, and the turn that runs on it."""

    def __init__(self, server, thread_id, cwd, *, exists):
        self.server, self.thread_id = server, thread_id
        self.rollout = Rollout(thread_id, cwd, exists=exists)
        self.commands = CommandRunner(cwd, thread_id)
        self.script, self.budget = "", server.budget
        self.turn_id, self.task, self.asked = "", None, {}

    raw = staticmethod(write)

    def notify(self, method, **params):
        emit({"method": method, "params": {"threadId": self.thread_id, **params}})

    async def ask(self, method, turn_id, params):
        """Ask the client and wait."""
        number = next(self.server.numbers)
        answer = self.server.answers[number] = self.asked[number] = asyncio.Future()
        named = {"threadId": self.thread_id, "turnId": turn_id, **params}
        emit({"method": method, "id": number, "params": named})
        found = await answer
        del self.asked[number]
        self.notify("serverRequest/resolved", requestId=number)
        return found

    def start(self, params):
        settings = params.get("collaborationMode") or {"mode": "default"}
        if params.get("cwd"):
            self.commands.cwd = type(self.commands.cwd)(params["cwd"])
        text = "\n".join(part.get("text", "") for part in params["input"])
        self.turn_id = new_id()
        policy = params.get("approvalPolicy")
        turn = CodexTurn(self, self.turn_id, text, settings["mode"], policy)
        if not UNSTORED.exists():
            turn.store()
        self.task = asyncio.create_task(self._run(turn))
        return self.turn_id

    async def _run(self, turn):
        # the answer to `turn/start` goes out first
        await asyncio.sleep(0)
        for marker in (ANSWERED, UNSTORED):
            if marker.exists():
                marker.unlink()
                os.kill(os.getpid(), signal.SIGKILL)
        status, error = "completed", None
        try:
            error = await turn.run()
            status = "failed" if error else status
        except asyncio.CancelledError:
            status = "interrupted"
            self.rollout.write("event_msg", type="turn_aborted", turn_id=turn.turn_id)
        else:
            body = {"type": "task_complete", "turn_id": turn.turn_id}
            self.rollout.write("event_msg", **body, **({"error": error} if error else {}))
        for number in list(self.asked):
            del self.asked[number]
            self.notify("serverRequest/resolved", requestId=number)
        self.turn_id = ""
        turn = {"id": turn.turn_id, "status": status, "error": error}
        self.notify("turn/completed", turn=turn)


class Server:
    """All threads of the process."""

    def __init__(self):
        self.threads, self.answers = {}, {}
        self.numbers = itertools.count()  # from 0, as the real one's
        self.budget = Budget()

    def answer(self, record):
        if "method" not in record:
            future = self.answers.pop(record.get("id"), None)
            if future and not future.done():
                future.set_result(record.get("result") or {})
        elif record.get("method") == "turn/start" and UNANSWERED.exists():
            UNANSWERED.unlink()
            self.serve(record["method"], record["params"])
            asyncio.get_running_loop().call_later(END_SECONDS, os.kill, os.getpid(), signal.SIGKILL)
        elif "id" in record:
            try:
                emit({"id": record["id"], "result": self.serve(record["method"], record["params"])})
            except Refused as refusal:
                error = {"code": -32600, "message": str(refusal)}
                emit({"id": record["id"], "error": error})

    def serve(self, method, params):
        match method:
            case "initialize":
                return {"userAgent": "fake", "codexHome": str(HOME)}
            case "account/login/start" if params.get("type") == "chatgptDeviceCode":
                return start_device_login()
            case "account/login/start":
                return {"type": "apiKey"}
            case "model/list":
                return {"data": [{"model": "fake-gpt", "displayName": "Fake"}]}
            case "thread/start":
                return self._load(new_id(), params, exists=False)
            case "thread/resume":
                thread_id = params["threadId"]
                if thread_id in self.threads:
                    return {"thread": {"id": thread_id}, **MODEL}
                return self._load(thread_id, params, exists=True)
        thread = self.threads.get(params.get("threadId"))
        if thread is None:
            raise Refused(f"thread not found: {params.get('threadId')}")
        return self._on(thread, method, params)

    def _on(self, thread, method, params):
        match method:
            case "thread/name/set":
                thread.rollout.made()
            case "thread/unsubscribe":
                self.threads.pop(thread.thread_id).rollout.close()
            case "thread/revert":
                if params["beforeTurnId"] not in thread.rollout.starts:
                    raise Refused("no such turn")
                thread.rollout.revert(params["beforeTurnId"])
                thread.script = ""
            case "thread/backgroundTerminals/clean":
                thread.commands.clean()
            case "thread/inject_items":
                return {}
            case "turn/start":
                return {"turn": {"id": thread.turn_id or thread.start(params)}}
            case "turn/interrupt":
                if thread.turn_id != params["turnId"]:
                    raise Refused("no such turn")
                thread.task.cancel()
            case _:
                raise Refused(f"Invalid request: unknown variant `{method}`")
        return {}

    def _load(self, thread_id, params, *, exists):
        try:
            thread = Thread(self, thread_id, params.get("cwd") or Path.cwd(), exists=exists)
        except NoRollout:
            raise Refused(f"no rollout found for thread id {thread_id}") from None
        except Locked:
            raise Refused(f"thread {thread_id} already has an active writer") from None
        self.threads[thread_id] = thread
        return {"thread": {"id": thread_id}, **MODEL}


def start_device_login():
    issuer = os.environ[device_login.ISSUER]
    if not device_login.options().get("app_server", True):
        raise Refused("Invalid request: unknown variant `account/login/start`")
    try:
        code = device_login.request_code(issuer)
    except device_login.LoginFailed as failure:
        raise Refused(str(failure)) from None
    loop = asyncio.get_running_loop()

    def wait():
        outcome = {"success": True, "error": None}
        try:
            device_login.wait_for_tokens(issuer, code)
        except device_login.LoginFailed as failure:
            outcome = {"success": False, "error": str(failure)}
        record = {"method": "account/login/completed", "params": {"loginId": "1", **outcome}}
        loop.call_soon_threadsafe(emit, record)

    threading.Thread(target=wait, daemon=True).start()
    url = f"{issuer}/codex/device"
    kind = "chatgptDeviceCode"
    return {"type": kind, "loginId": "1", "verificationUrl": url, "userCode": code["user_code"]}


async def _listen():
    server = Server()
    reader = asyncio.StreamReader(limit=LINE_LIMIT)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        with suppress(ValueError):
            server.answer(json.loads(line))
    for thread in server.threads.values():
        thread.commands.clean()


def serve():
    asyncio.run(_listen())
    return 0
