"""The response that passes on what an MCP server answers, as it comes."""

import asyncio

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from xo_cowork_core.sdk import Forbidden
from xo_cowork_core.services.mcp.gateway import McpGateway, McpRequest


class McpResponse(Response):
    """Ends with the answer, the client or the turn, whichever is first.

    Owns three tasks: the answer, and one that waits for each of the two others.
    """

    def __init__(self, gateway: McpGateway, request: McpRequest) -> None:
        super().__init__()
        self._gateway = gateway
        self._request = request
        self._has_begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = asyncio.create_task(self._pass_on(send), name="mcp answer")
        left = asyncio.create_task(_wait_for_disconnect(receive), name="mcp client")
        ended = asyncio.create_task(
            self._gateway.wait_for_end(self._request.token), name="mcp turn"
        )
        tasks = {answer, left, ended}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        if not answer.cancelled():
            answer.result()
        elif ended.done() and not ended.cancelled():
            await self._end(send)

    async def _pass_on(self, send: Send) -> None:
        async with self._gateway.open(self._request) as reply:
            headers = {"cache-control": "no-cache", "x-accel-buffering": "no", **reply.headers}
            raw = [
                (name.encode("latin-1"), text.encode("latin-1")) for name, text in headers.items()
            ]
            start = {"type": "http.response.start", "status": reply.status, "headers": raw}
            self._has_begun = True
            await send(start)
            async for chunk in reply.chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _end(self, send: Send) -> None:
        """End the answer with its turn. Raises Forbidden where it has not begun."""
        if not self._has_begun:
            raise Forbidden("The turn of this token has ended.")
        await send({"type": "http.response.body", "body": b""})


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
