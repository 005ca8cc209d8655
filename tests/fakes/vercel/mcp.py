"""The MCP server: `initialize`, for those who have signed in."""

import json
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

if TYPE_CHECKING:
    from tests.fakes.vercel.server import FakeVercel

METADATA_URL = "https://mcp.vercel.com/.well-known/oauth-protected-resource"


class VercelMcp:
    """Answers `initialize` and refuses every other method; `requests` counts what it was asked."""

    def __init__(self, vercel: "FakeVercel") -> None:
        self.requests = 0
        self.refuses_all = False
        self._vercel = vercel

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requests += 1
        answer = await self._answer(Request(scope, receive))
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self.refuses_all or not self._vercel.has_signed_in(token):
            challenge = f'Bearer error="invalid_token", resource_metadata="{METADATA_URL}"'
            return JSONResponse({"error": "invalid_token"}, 401, {"www-authenticate": challenge})
        call = json.loads(await request.body())
        if call["method"] != "initialize":
            error = {"code": -32601, "message": "Method not found"}
            return JSONResponse({"jsonrpc": "2.0", "id": call["id"], "error": error})
        server = {"name": "vercel", "version": "0"}
        version = call["params"]["protocolVersion"]
        result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server}
        return JSONResponse({"jsonrpc": "2.0", "id": call["id"], "result": result})
