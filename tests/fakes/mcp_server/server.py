"""`FakeMcpServer`: an MCP server on the loopback, and a test's control over it.

Tools: `echo {text}` answers with the text; `slow {pieces}` sends so many notifications of
progress first, each once the test has set `received_pieces` to the number of those before;
`break {}` breaks the stream off after one notification; `hang {}` never answers.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, NamedTuple

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from xo_cowork_core.sdk.testing.oauth_server.loopback_server import LoopbackServer

PATH = "/mcp"
VERSION = "2025-06-18"
TOOLS = ("echo", "slow", "break", "hang")
HANG_SECONDS = 60.0
Message = dict[str, Any]


class McpCall(NamedTuple):
    """A request that was received. Names in `headers` are in lower case."""

    method: str
    headers: Mapping[str, str]
    message: Any

    @property
    def rpc(self) -> str:
        """The method of a single JSON-RPC message."""
        return str(self.message.get("method", "")) if isinstance(self.message, dict) else ""


class FakeMcpServer:
    """Use it as a context manager, or its `app` for a host.

    `accepts` returns whether a bearer token is valid.
    `calls` are all requests. The next request with a `faults` entry gets that status instead of
    its answer.
    """

    def __init__(self, accepts: Callable[[str], bool]) -> None:
        self.url = ""
        self.calls: list[McpCall] = []
        self.faults: list[int] = []
        self.open_streams = 0
        self.received_pieces = 0
        self.token_header = "authorization"
        self._accepts = accepts
        self._sessions: set[str] = set()
        methods = ["GET", "POST", "DELETE"]
        routes = [Route(path, self._serve, methods=methods) for path in (PATH, PATH + "/")]
        self.app = Starlette(routes=routes)
        self._server = LoopbackServer(self.app)

    def __enter__(self) -> "FakeMcpServer":
        self.url = self._server.start() + PATH
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening."""
        self._server.close()

    def start(self) -> None:
        """Listen on the same port again."""
        self._server.start()

    def clear(self) -> None:
        """Forget the requests and faults."""
        self.calls.clear()
        self.faults.clear()
        self.received_pieces = 0
        self.token_header = "authorization"

    def calls_of(self, rpc: str) -> Sequence[McpCall]:
        """Return the requests with a method of JSON-RPC."""
        return [call for call in self.calls if call.rpc == rpc]

    async def _serve(self, request: Request) -> Response:
        body = await request.body()
        call = McpCall(request.method, dict(request.headers), json.loads(body) if body else None)
        self.calls.append(call)
        if self.faults:
            return JSONResponse({"error": "on purpose"}, self.faults.pop(0))
        if not self._accepts(call.headers.get(self.token_header, "").removeprefix("Bearer ")):
            challenge = 'Bearer error="invalid_token", resource_metadata="http://127.0.0.1:1/x"'
            return JSONResponse({}, 401, headers={"www-authenticate": challenge})
        if request.method == "GET":
            return StreamingResponse(self._listen(), media_type="text/event-stream")
        if request.method == "DELETE":
            self._sessions.discard(call.headers.get("mcp-session-id", ""))
            return Response(status_code=200)
        return self._answer(call)

    def _answer(self, call: McpCall) -> Response:
        message = call.message
        if isinstance(message, list):
            return JSONResponse([_result(each) for each in message if "id" in each])
        if "id" not in message or "method" not in message:
            return Response(status_code=202)
        if call.rpc == "initialize":
            session = f"session-{len(self._sessions)}"
            self._sessions.add(session)
            return JSONResponse(_result(message), headers={"mcp-session-id": session})
        # a call without a session is one of its own
        session = call.headers.get("mcp-session-id")
        if session is not None and session not in self._sessions:
            return JSONResponse({"jsonrpc": "2.0", "id": None, "error": {}}, 404)
        if call.rpc == "tools/call":
            return StreamingResponse(self._run(message), media_type="text/event-stream")
        return JSONResponse(_result(message))

    async def _listen(self) -> AsyncIterator[str]:
        self.open_streams += 1
        try:
            yield _event({"jsonrpc": "2.0", "method": "notifications/message", "params": {}})
            await anyio.sleep(HANG_SECONDS)
        finally:
            self.open_streams -= 1

    async def _run(self, message: Message) -> AsyncIterator[str]:
        name, given = message["params"]["name"], message["params"].get("arguments") or {}
        for piece in range(given.get("pieces", 1 if name == "break" else 0)):
            progress = {"progressToken": 0, "progress": piece}
            yield _event({"jsonrpc": "2.0", "method": "notifications/progress", "params": progress})
            with anyio.fail_after(HANG_SECONDS / 2):
                while name == "slow" and self.received_pieces <= piece:
                    await anyio.sleep(0.005)
        if name == "break":
            raise ConnectionAbortedError("on purpose")
        if name == "hang":
            await anyio.sleep(HANG_SECONDS)
        content = [{"type": "text", "text": f"{name}: {given.get('text', 'done')}"}]
        yield _event({"jsonrpc": "2.0", "id": message["id"], "result": {"content": content}})


def _event(message: Message) -> str:
    return f"event: message\ndata: {json.dumps(message)}\n\n"


def _result(message: Message) -> Message:
    schema = {"type": "object", "properties": {"text": {"type": "string"}}}
    tools = [{"name": name, "description": name, "inputSchema": schema} for name in TOOLS]
    version = (message.get("params") or {}).get("protocolVersion", VERSION)
    results: dict[str, Message] = {
        "initialize": {
            "protocolVersion": version,
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "fake", "version": "1"},
        },
        "tools/list": {"tools": tools},
    }
    return {"jsonrpc": "2.0", "id": message["id"], "result": results.get(message["method"], {})}
