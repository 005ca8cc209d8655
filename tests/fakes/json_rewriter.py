"""Changes the JSON answers of an ASGI app."""

import json
from collections.abc import Callable
from typing import Any, TypeAlias

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# path, status and body of an answer to its body
Rewrite: TypeAlias = Callable[[str, int, Any], Any]


class JsonRewriter:
    """An ASGI app that passes requests on and rewrites the JSON bodies that come back."""

    def __init__(self, app: ASGIApp, rewrite: Rewrite) -> None:
        self._app = app
        self._rewrite = rewrite

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: Message = {}
        body = bytearray()

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body", False):
                await self._send(scope["path"], start, bytes(body), send)

        await self._app(scope, receive, collect)

    async def _send(self, path: str, start: Message, body: bytes, send: Send) -> None:
        headers = dict(start["headers"])
        if headers.get(b"content-type", b"").startswith(b"application/json"):
            body = json.dumps(self._rewrite(path, start["status"], json.loads(body))).encode()
            headers[b"content-length"] = str(len(body)).encode()
        await send({**start, "headers": list(headers.items())})
        await send({"type": "http.response.body", "body": body})
