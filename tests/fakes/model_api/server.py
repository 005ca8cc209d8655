"""A stand-in of the Anthropic messages API on the loopback, played by the prompt's directives.

  python server.py [--log FILE]     prints {"port": N} once it listens

Keys that contain `bad` are refused with 401. `--log` appends one JSON line a request, with the
texts of its messages.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from messages import Broken, streamed, whole
from script import DEFAULT, Act, Budget, aloud, has_steps, step_at

ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}
Request = tuple[str, str, dict[str, str], bytes]


class ModelApi:
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
        if "bad" in headers.get("x-api-key", "") + headers.get("authorization", ""):
            return await _error(writer, 401, "invalid x-api-key")
        if path.endswith("/count_tokens"):
            return await _json(writer, 200, {"input_tokens": max(1, len(raw) // 4)})
        if method != "POST" or not path.endswith("/messages"):
            return await _error(writer, 404, "not found")
        acts = self._acts(body)
        self._note(path, body)
        if acts[0].kind == "error":
            status = int(acts[0].number)
            return await _error(writer, status, f"stand-in error {status}")
        if acts[0].kind == "slowhead":
            await asyncio.sleep(acts[0].number)
            acts = (Act("text", "late answer"),)
        return await _play(writer, body, acts, max(1, len(raw) // 4))

    def _acts(self, body: dict[str, Any]) -> Sequence[Act]:
        messages = body.get("messages", [])
        for place in range(len(messages) - 1, -1, -1):
            text = _script(messages[place])
            if text:
                later = messages[place + 1 :]
                calls = sum(message.get("role") == "assistant" for message in later)
                acts = step_at(text, calls, self._budget)
                return aloud(acts, _heard(later), list(_prompts(messages)))
        return DEFAULT

    def _note(self, path: str, body: dict[str, Any]) -> None:
        if self._log:
            texts = [
                (message.get("role"), _text(message.get("content")))
                for message in body.get("messages", [])
                if message.get("role") != "system"
            ]
            line = {"path": path, "model": body.get("model"), "messages": texts}
            with self._log.open("a") as log:
                log.write(json.dumps(line) + "\n")


async def _play(
    writer: asyncio.StreamWriter, body: dict[str, Any], acts: Sequence[Act], prompt: int
) -> None:
    model = body.get("model", "stand-in")
    if not body.get("stream"):
        await _json(writer, 200, whole(model, acts, prompt))
        return
    writer.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
        b"transfer-encoding: chunked\r\nrequest-id: req_stand_in\r\n\r\n"
    )
    async with aclosing(streamed(model, acts, prompt)) as events:
        async for event in events:
            frame = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
            writer.write(b"%x\r\n%s\r\n" % (len(frame), frame))
            await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ", 2)
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return method, target.partition("?")[0], headers, body


async def _json(writer: asyncio.StreamWriter, status: int, body: dict[str, Any]) -> None:
    data = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} -\r\ncontent-type: application/json\r\n"
    writer.write(f"{head}content-length: {len(data)}\r\n\r\n".encode() + data)
    await writer.drain()


async def _error(writer: asyncio.StreamWriter, status: int, message: str) -> None:
    error = {"type": ERRORS.get(status, "api_error"), "message": message}
    await _json(writer, status, {"type": "error", "error": error})


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "\n".join(block["text"] for block in blocks if isinstance(block.get("text"), str))


def _script(message: dict[str, Any]) -> str:
    """Return the newest text with directives: a client may join prompts that got no answer."""
    content = message.get("content") if message.get("role") == "user" else ""
    blocks = [{"text": content}] if isinstance(content, str) else content or []
    texts = [block["text"] for block in blocks if has_steps(block.get("text", ""))]
    return texts[-1] if texts else ""


def _prompts(messages: Sequence[dict[str, Any]]) -> Iterator[str]:
    for message in messages:
        content = message.get("content") if message.get("role") == "user" else ""
        blocks = [{"text": content}] if isinstance(content, str) else content or []
        yield from (block["text"] for block in blocks if isinstance(block.get("text"), str))


def _heard(messages: Sequence[dict[str, Any]]) -> str:
    for message in reversed(messages):
        blocks = message.get("content")
        for block in blocks if isinstance(blocks, list) else []:
            if block.get("type") == "tool_result":
                return _text(block.get("content"))
    return ""


async def main() -> None:
    """Listen until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", type=Path)
    api = ModelApi(parser.parse_args().log)
    server = await asyncio.start_server(api.connection, "127.0.0.1", 0, limit=64 * 1024 * 1024)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
