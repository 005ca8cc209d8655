"""A stand-in of chat/completions on the loopback, played by the prompt's directives.

  python server.py [--port N] [--log FILE]     prints {"port": N} once it listens

The directives are those of `model_api/script.py`. Keys that contain `bad` are refused with 401.
`--log` appends one JSON line a request and one when its client has left.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "model_api"))
sys.path.insert(0, str(Path(__file__).parent))

from answers import Broken, streamed, whole
from script import DEFAULT, Act, Budget, has_steps, step_at

ERRORS = {401: "authentication_error", 429: "rate_limit_error", 400: "invalid_request_error"}
Request = tuple[str, str, dict[str, str], bytes]


class ChatCompletions:
    """One listening stand-in."""

    def __init__(self, log: Path | None) -> None:
        self._log = log
        self._budget = Budget()

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve requests until the client leaves or a script breaks the connection."""
        try:
            while request := await _read(reader):
                await self._answer(request, writer)
        except (Broken, ConnectionError, asyncio.IncompleteReadError):
            writer.transport.abort()
        finally:
            writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        method, path, headers, raw = request
        body = json.loads(raw) if raw else {}
        if "bad" in headers.get("authorization", ""):
            return await _error(writer, 401, "invalid key")
        if method == "GET" and path.endswith("/models"):
            return await _json(writer, 200, {"object": "list", "data": []})
        if not path.endswith("/chat/completions"):
            return await _error(writer, 404, "not found")
        acts = self._acts(body)
        self._note(
            {
                "path": path,
                "model": body.get("model"),
                "acts": [act.kind for act in acts],
                "answers": _answers(body),
            }
        )
        if acts[0].kind == "error":
            status = int(acts[0].number)
            return await _error(writer, status, f"stand-in error {status}")
        if acts[0].kind == "slowhead":
            await asyncio.sleep(acts[0].number)
            acts = (Act("text", "late answer"),)
        try:
            return await _play(writer, body, acts, max(1, len(raw) // 4))
        except ConnectionError:
            self._note({"left": [act.kind for act in acts]})
            raise

    def _acts(self, body: dict[str, Any]) -> Sequence[Act]:
        messages = body.get("messages", [])
        for place in range(len(messages) - 1, -1, -1):
            text = _text(messages[place].get("content"))
            if messages[place].get("role") == "user" and has_steps(text):
                later = messages[place + 1 :]
                calls = sum(message.get("role") == "assistant" for message in later)
                return step_at(text, calls, self._budget)
        return DEFAULT

    def _note(self, line: dict[str, Any]) -> None:
        if self._log:
            with self._log.open("a") as log:
                log.write(json.dumps(line) + "\n")


async def _play(
    writer: asyncio.StreamWriter, body: dict[str, Any], acts: Sequence[Act], prompt: int
) -> None:
    model = body.get("model", "stand-in")
    if not body.get("stream"):
        await _json(writer, 200, await whole(model, acts, prompt))
        return
    writer.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    async with aclosing(streamed(model, acts, prompt)) as chunks:
        async for chunk in chunks:
            await _chunk(writer, json.dumps(chunk))
    await _chunk(writer, "[DONE]")
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def _chunk(writer: asyncio.StreamWriter, text: str) -> None:
    frame = f"data: {text}\n\n".encode()
    writer.write(b"%x\r\n%s\r\n" % (len(frame), frame))
    await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ", 2)
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    if headers.get("transfer-encoding") == "chunked":
        return method, target.partition("?")[0], headers, await _chunks(reader)
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return method, target.partition("?")[0], headers, body


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


async def _json(writer: asyncio.StreamWriter, status: int, body: dict[str, Any]) -> None:
    data = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} -\r\ncontent-type: application/json\r\n"
    writer.write(f"{head}content-length: {len(data)}\r\n\r\n".encode() + data)
    await writer.drain()


async def _error(writer: asyncio.StreamWriter, status: int, message: str) -> None:
    error = {"type": ERRORS.get(status, "server_error"), "message": message}
    await _json(writer, status, {"error": error})


def _answers(body: dict[str, Any]) -> list[str]:
    rows = body.get("messages", [])
    return [_text(row.get("content")) for row in rows if row.get("role") == "assistant"]


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "\n".join(block["text"] for block in blocks if isinstance(block.get("text"), str))


async def main() -> None:
    """Listen until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path)
    options = parser.parse_args()
    api = ChatCompletions(options.log)
    server = await asyncio.start_server(
        api.connection, "127.0.0.1", options.port, limit=64 * 1024 * 1024
    )
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
