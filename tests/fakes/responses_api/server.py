"""A stand-in of the OpenAI responses API on the loopback, played by the prompt's directives.

  python server.py [--port N] [--log FILE]     prints {"port": N} once it listens

The directives are those of the other model stand-in: see ../model_api/script.py. Keys that
contain `bad` are refused with 401. `--log` appends one JSON line a request.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[1] / "model_api"))

from answer import Broken, Failed, answer_of, streamed
from script import DEFAULT, Act, Budget, has_steps, step_at

ERRORS = {
    400: ("invalid_request_error", "invalid_request"),
    401: ("invalid_request_error", "invalid_api_key"),
    429: ("rate_limit_error", "rate_limit_exceeded"),
    500: ("server_error", "server_error"),
    503: ("server_error", "server_is_overloaded"),
}
MODELS = ("stand-in-model",)
MAX_HEAD_BYTES = 64 * 1024 * 1024
Request = tuple[str, str, dict[str, str], bytes]


class ResponsesApi:
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
        if "bad" in headers.get("authorization", ""):
            return await _error(writer, 401, "Incorrect API key provided")
        if path.endswith("/models"):
            rows = [{"id": name, "object": "model"} for name in MODELS]
            return await _json(writer, 200, {"object": "list", "data": rows})
        if method != "POST" or not path.endswith("/responses"):
            return await _error(writer, 404, "not found")
        body = json.loads(raw)
        acts = self._acts(body)
        self._note(path, headers, body)
        if acts[0].kind == "error":
            status = int(acts[0].number)
            return await _error(writer, status, f"stand-in error {status}")
        if acts[0].kind == "slowhead":
            await asyncio.sleep(acts[0].number)
            acts = (Act("text", "late answer"),)
        return await _play(writer, body, acts, max(1, len(raw) // 4))

    def _acts(self, body: dict[str, Any]) -> Sequence[Act]:
        items = body.get("input", [])
        for place in range(len(items) - 1, -1, -1):
            text = _text(items[place])
            if items[place].get("role") == "user" and has_steps(text):
                later = [item for item in items[place + 1 :] if "call_id" in item]
                calls = len({answer_of(str(item["call_id"])) for item in later})
                acts = step_at(text, calls, self._budget)
                return [_heard(later) if act.kind == "heard" else act for act in acts]
        return DEFAULT

    def _note(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> None:
        if self._log:
            texts = [(item.get("role"), _text(item)) for item in body.get("input", [])]
            tools = [tool.get("name") or tool.get("type") for tool in body.get("tools", [])]
            line = {
                "path": path,
                "signed": bool(headers.get("authorization")),
                "model": body.get("model"),
                "effort": (body.get("reasoning") or {}).get("effort"),
                "input": texts,
                "tools": tools,
            }
            with self._log.open("a") as log:
                log.write(json.dumps(line) + "\n")


async def _play(
    writer: asyncio.StreamWriter, body: dict[str, Any], acts: Sequence[Act], prompt: int
) -> None:
    writer.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    number = 0
    async with aclosing(streamed(body.get("model", ""), acts, prompt)) as events:
        with suppress(Failed):
            async for event in events:
                text = json.dumps({**event, "sequence_number": number})
                frame = f"event: {event['type']}\ndata: {text}\n\n".encode()
                writer.write(b"%x\r\n%s\r\n" % (len(frame), frame))
                await writer.drain()
                number += 1
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
    kind, code = ERRORS.get(status, ("server_error", "server_error"))
    await _json(writer, status, {"error": {"message": message, "type": kind, "code": code}})


def _text(item: dict[str, Any]) -> str:
    content = item.get("content")
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "\n".join(block["text"] for block in blocks if isinstance(block.get("text"), str))


def _heard(later: Sequence[dict[str, Any]]) -> Act:
    outputs = [item["output"] for item in later if str(item.get("type")).endswith("_output")]
    return Act("exact", json.dumps(str(outputs[-1] if outputs else "nothing")))


async def main() -> None:
    """Listen until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path)
    given = parser.parse_args()
    api = ResponsesApi(given.log)
    server = await asyncio.start_server(
        api.connection, "127.0.0.1", given.port, limit=MAX_HEAD_BYTES
    )
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
