"""A fake of the OpenClaw gateway, for runs without the toolchain.

  server.py gateway run     with ~/.openclaw/openclaw.json as the real one does; one more key,
                            `gateway.condition` may be `starting`, `newer` (another protocol) or
                            `recovering` (it does not run the first two prompts)
  server.py --version

Speaks the control protocol as captured from the real one, performs the directives of the model's
fake (see ../model_api/script.py), and really runs `exec` and `write`.
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

from completions import complete
from methods import Client, GatewayMethods, Refusal
from script import Budget
from session_store import SessionStore
from websocket import Request, Socket, read_request, respond

VERSION = "2026.9.6"
NO_CONFIG = 78
WAIT_LIMIT = 64 * 1024 * 1024
SCOPES = ["operator.read", "operator.write", "operator.admin", "operator.approvals"]


class FakeGateway:
    """The connections of the fake: HTTP, the handshake, requests."""

    def __init__(self, token: str, store: SessionStore, condition: str = "") -> None:
        self._token = token
        self._condition = condition
        self._budget = Budget()
        skips = 2 if condition == "recovering" else 0
        self._methods = GatewayMethods(store, self._budget, skips=skips)
        self._boot_id = str(uuid.uuid4())

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
            await self._serve_socket(socket)
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

    async def _serve_socket(self, socket: Socket) -> None:
        socket.send({"type": "event", "event": "connect.challenge", "payload": {"nonce": "n"}})
        frame = await socket.receive()
        if frame is None:
            return
        client = self._shake_hands(socket, frame)
        if client is None:
            return
        self._methods.add_client(client)
        try:
            while frame := await socket.receive():
                await self._answer(client, frame)
                await socket.drain()
        finally:
            self._methods.remove_client(client)

    def _shake_hands(self, socket: Socket, frame: dict[str, Any]) -> Client | None:
        params = frame["params"]
        if self._condition == "starting":
            return _refuse_connection(socket, frame, "UNAVAILABLE", "startup-sidecars", 1013)
        version = 5 if self._condition == "newer" else 4
        if not params["minProtocol"] <= version <= params["maxProtocol"]:
            return _refuse_connection(socket, frame, "PROTOCOL_MISMATCH", "protocol mismatch", 1002)
        if params["auth"].get("token") != self._token:
            return _refuse_connection(socket, frame, "AUTH_TOKEN_MISMATCH", "token mismatch", 1008)
        hello = {
            "type": "hello-ok",
            "protocol": 4,
            "server": {"version": VERSION, "bootId": self._boot_id},
            "policy": {"tickIntervalMs": 30000},
            "auth": {"role": "operator", "scopes": SCOPES},
        }
        socket.send({"type": "res", "id": frame["id"], "ok": True, "payload": hello})
        return Client(socket)

    async def _answer(self, client: Client, frame: dict[str, Any]) -> None:
        try:
            payload = await self._methods.call(client, frame["method"], frame["params"])
            body: dict[str, Any] = {"ok": True, "payload": payload}
        except Refusal as refusal:
            code, message = refusal.args
            body = {"ok": False, "error": {"code": code, "message": message}}
        client.socket.send({"type": "res", "id": frame["id"], **body})


def _refuse_connection(
    socket: Socket, frame: dict[str, Any], code: str, message: str, close_code: int
) -> None:
    error: dict[str, Any] = {"code": "INVALID_REQUEST", "message": message}
    error["details"] = {"code": code}
    if code == "UNAVAILABLE":
        error |= {"code": code, "retryAfterMs": 1500}
    socket.send({"type": "res", "id": frame["id"], "ok": False, "error": error})
    socket.close(close_code, message)


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
    gateway = FakeGateway(token, SessionStore(home / "fake.json"), config.get("condition", ""))
    server = await asyncio.start_server(gateway.connection, "127.0.0.1", port, limit=WAIT_LIMIT)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
