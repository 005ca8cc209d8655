"""A stand-in of the OpenClaw gateway, for runs without the toolchain.

  server.py gateway run     with ~/.openclaw/openclaw.json like the real one; beside the real keys
                            `gateway.mood` may be `starting` or `newer` (another protocol)
  server.py --version

Speaks the control protocol as captured from the real one, plays the directives of the model's
stand-in (see ../model_api/script.py), really runs `exec` and `write`.
"""

import asyncio
import json
import os
import sys
import uuid
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "model_api"))
sys.path.insert(0, str(Path(__file__).parent))

from book import Book, now, row_of
from completions import complete
from run import Run
from script import Budget
from tasks import Tasks
from wire import Request, Socket, read_request, respond

VERSION = "2026.9.6"
NO_CONFIG = 78
WAIT_LIMIT = 64 * 1024 * 1024
SCOPES = ["operator.read", "operator.write", "operator.admin", "operator.approvals"]


class Refusal(Exception):
    """An error answer: code and words."""


class Client:
    """One connection past its handshake."""

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self.keys: set[str] = set()
        self.hears_all = False


class FakeGateway:
    """One listening stand-in."""

    def __init__(self, token: str, book: Book, mood: str = "") -> None:
        self._token = token
        self._mood = mood
        self._book = book
        self._budget = Budget()
        self._clients: set[Client] = set()
        self._runs: dict[str, Run] = {}
        self._tasks = Tasks()
        self._boot = str(uuid.uuid4())

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, HTTP or WebSocket."""
        try:
            request = await read_request(reader)
            if not request.upgrades:
                await self._http(request, writer)
                await writer.drain()
                return
            socket = Socket(reader, writer)
            socket.accept(request)
            await self._talk(socket)
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.transport.abort()
        finally:
            writer.close()

    async def _http(self, request: Request, writer: asyncio.StreamWriter) -> None:
        allowed = request.headers.get("authorization") == f"Bearer {self._token}"
        match request.path:
            case "/healthz":
                respond(writer, 200, {"ok": True, "status": "live"})
            case "/readyz":
                respond(writer, 200, {"ready": True, "failing": []})
            case "/v1/models" if allowed:
                names = ("openclaw", "openclaw/default", "openclaw/main")
                respond(writer, 200, {"data": [{"id": name} for name in names]})
            case "/v1/chat/completions" if allowed:
                await complete(json.loads(request.body), self._budget, writer)
            case path if path.startswith("/v1/"):
                error = {"message": "Unauthorized", "type": "unauthorized"}
                respond(writer, 401, {"error": error})
            case _:
                respond(writer, 404, {"error": {"message": "Not Found"}})

    async def _talk(self, socket: Socket) -> None:
        socket.send({"type": "event", "event": "connect.challenge", "payload": {"nonce": "n"}})
        frame = await socket.receive()
        if frame is None:
            return
        client = self._greet(socket, frame)
        if client is None:
            return
        self._clients.add(client)
        try:
            while frame := await socket.receive():
                await self._answer(client, frame)
                await socket.drain()
        finally:
            self._clients.discard(client)

    def _greet(self, socket: Socket, frame: dict[str, Any]) -> Client | None:
        params = frame["params"]
        if self._mood == "starting":
            return _turn_away(socket, frame, "UNAVAILABLE", "startup-sidecars", 1013)
        spoken = 5 if self._mood == "newer" else 4
        if not params["minProtocol"] <= spoken <= params["maxProtocol"]:
            return _turn_away(socket, frame, "PROTOCOL_MISMATCH", "protocol mismatch", 1002)
        if params["auth"].get("token") != self._token:
            return _turn_away(socket, frame, "AUTH_TOKEN_MISMATCH", "token mismatch", 1008)
        hello = {
            "type": "hello-ok",
            "protocol": 4,
            "server": {"version": VERSION, "bootId": self._boot},
            "policy": {"tickIntervalMs": 30000},
            "auth": {"role": "operator", "scopes": SCOPES},
        }
        socket.send({"type": "res", "id": frame["id"], "ok": True, "payload": hello})
        return Client(socket)

    async def _answer(self, client: Client, frame: dict[str, Any]) -> None:
        name = "on_" + frame["method"].replace(".", "_")
        try:
            handler = getattr(self, name, None)
            if handler is None:
                raise Refusal("INVALID_REQUEST", f"unknown method: {frame['method']}")
            payload = await handler(client, frame["params"])
            body: dict[str, Any] = {"ok": True, "payload": payload}
        except Refusal as refusal:
            code, words = refusal.args
            body = {"ok": False, "error": {"code": code, "message": words}}
        client.socket.send({"type": "res", "id": frame["id"], **body})

    async def on_agents_list(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        return {"defaultId": "main", "agents": [{"id": "main"}]}

    async def on_models_list(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        row = {"id": "m", "name": "M", "provider": "stand-in", "tags": ["default"]}
        return {"models": [row]}

    async def on_sessions_create(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        if params["key"].split(":")[1] != "main":
            raise Refusal("INVALID_REQUEST", "Unknown agent id")
        session = self._book.create(params["key"], params)
        return {"key": session["key"], "sessionId": session["sessionId"], "entry": {}}

    async def on_sessions_resolve(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        found = self._book.find(params.get("sessionId"), params.get("key"))
        return {"ok": True, "key": found["key"]} if found else {"ok": False}

    async def on_sessions_describe(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        found = self._book.find(None, params["key"])
        return {"session": row_of(found) if found else None}

    async def on_sessions_patch(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        session = self._book.create(params.pop("key"), {})
        session.update(params)
        self._book.save()
        return {"ok": True}

    async def on_sessions_list(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        sessions = list(self._book.sessions.values())
        if params.get("activeOnly"):
            busy = {run.key for run in self._runs.values() if run.ended is None}
            sessions = [session for session in sessions if session["key"] in busy]
        page = sessions[params.get("offset", 0) :][: params["limit"]]
        found = [{**row_of(one), "hasActiveRun": bool(self._busy(one["key"]))} for one in page]
        return {"ts": now(), "sessions": found, "hasMore": False}

    async def on_sessions_subscribe(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        client.hears_all = True
        return {"subscribed": True}

    async def on_sessions_messages_subscribe(
        self, client: Client, params: dict[str, Any]
    ) -> dict[str, Any]:
        client.keys.add(params["key"])
        return {"subscribed": True}

    async def on_chat_send(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        run_id, key = params["idempotencyKey"], params["sessionKey"]
        if known := self._runs.get(run_id):
            return {"runId": run_id, "status": "ok" if known.ended else "in_flight"}
        running = self._busy(key)
        if running and running.task:
            running.task.cancel()
            await asyncio.wait({running.task})
        session, tell = self._book.create(key, {}), self._teller(key, client)
        run = Run(run_id, session, self._book, tell, self._tasks)
        self._runs[run_id] = run
        run.task = asyncio.create_task(run.play(params["message"], self._budget))
        return {"runId": run_id, "status": "started"}

    async def on_chat_abort(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        run = self._runs.get(params.get("runId", ""))
        if run is None or run.ended or run.task is None:
            return {"aborted": False}
        run.task.cancel()
        return {"aborted": True, "runIds": [run.run_id]}

    async def on_tasks_list(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        return {"tasks": self._tasks.running(params["sessionKey"])}

    async def on_tasks_cancel(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        return {"found": True, "cancelled": self._tasks.cancel(params["taskId"])}

    async def on_chat_history(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        found = self._book.find(None, params["sessionKey"])
        records = found["records"] if found else []
        end = len(records) - params.get("offset", 0)
        page = records[max(0, end - params["limit"]) : max(0, end)]
        answer: dict[str, Any] = {"messages": page, "hasMore": end > len(page)}
        if run := self._busy(params["sessionKey"]):
            answer["inFlightRun"] = {"runId": run.run_id, "text": run.text, "events": run.events}
            answer["sessionInfo"] = {"hasActiveRun": True}
        return answer

    async def on_agent_wait(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        run = self._runs.get(params["runId"])
        return run.ended if run and run.ended else {"runId": params["runId"], "status": "timeout"}

    async def on_exec_approval_list(
        self, client: Client, params: dict[str, Any]
    ) -> list[dict[str, Any]]:
        return [
            {"id": number, "request": request}
            for run in self._runs.values()
            for number, request in run.requests.items()
        ]

    async def on_exec_approval_resolve(
        self, client: Client, params: dict[str, Any]
    ) -> dict[str, Any]:
        for run in self._runs.values():
            if params["id"] in run.asked:
                run.asked[params["id"]].set_result(params["decision"])
                return {"ok": True}
        raise Refusal("INVALID_REQUEST", "unknown approval")

    def _busy(self, key: str) -> Run | None:
        return next((r for r in self._runs.values() if r.key == key and not r.ended), None)

    def _teller(self, key: str, sender: Client) -> Any:
        def tell(event: str, payload: dict[str, Any]) -> None:
            tool = event == "agent" and payload.get("stream") == "tool"
            for client in [client for client in self._clients if key in client.keys]:
                if tool and client is not sender:
                    foreign = {"type": "event", "event": "session.tool", "payload": payload}
                    if client.hears_all:
                        client.socket.send(foreign)
                elif "raw" in payload:
                    client.socket.send_raw(payload["raw"])
                else:
                    client.socket.send({"type": "event", "event": event, "payload": payload})

        return tell


def _turn_away(socket: Socket, frame: dict[str, Any], code: str, words: str, close: int) -> None:
    error: dict[str, Any] = {"code": "INVALID_REQUEST", "message": words}
    error["details"] = {"code": code}
    if code == "UNAVAILABLE":
        error |= {"code": code, "retryAfterMs": 1500}
    socket.send({"type": "res", "id": frame["id"], "ok": False, "error": error})
    socket.close(close, words)


async def main() -> None:
    """Listen until killed."""
    if "--version" in sys.argv:
        sys.stdout.write(f"OpenClaw {VERSION}\n")
        return
    home = Path.home() / ".openclaw"
    try:
        config = json.loads((home / "openclaw.json").read_text())["gateway"]
    except (OSError, ValueError, KeyError):
        sys.exit(NO_CONFIG)
    token = config["auth"].get("token") or os.environ["OPENCLAW_GATEWAY_TOKEN"]
    port = int(sys.argv[sys.argv.index("--port") + 1]) if "--port" in sys.argv else config["port"]
    os.environ["OPENCLAW_GATEWAY_PORT"] = str(port)  # for its commands, as the real one does it
    gateway = FakeGateway(token, Book(home / "stand-in.json"), config.get("mood", ""))
    server = await asyncio.start_server(gateway.connection, "127.0.0.1", port, limit=WAIT_LIMIT)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
