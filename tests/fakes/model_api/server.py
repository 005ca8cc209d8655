"""A fake Anthropic messages API on the loopback, controlled by the prompt's directives.

  python server.py [--port N] [--log FILE]     prints {"port": N} once it listens

Keys that contain `bad` are refused with 401. `--log` appends one JSON line a request, with the
texts of its messages.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from fake_api import FakeApi, Request, send_json, send_stream, serve, text_of
from messages import streamed, whole
from script import DEFAULT, Action, has_steps, step_at, with_texts

ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}


class ModelApi(FakeApi):
    """One listening server."""

    async def answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        method, path, headers, raw = request
        body = json.loads(raw) if raw else {}
        if "bad" in headers.get("x-api-key", "") + headers.get("authorization", ""):
            return await _error(writer, 401, "invalid x-api-key")
        if path.endswith("/count_tokens"):
            return await send_json(writer, 200, {"input_tokens": max(1, len(raw) // 4)})
        if method != "POST" or not path.endswith("/messages"):
            return await _error(writer, 404, "not found")
        actions = self._acts(body)
        summary = {"messages": _texts(body), "images": raw.count(b'"media_type": "image/')}
        summary["images"] += raw.count(b'"media_type":"image/')
        bearer = headers.get("authorization", "")
        self.note({"path": path, "model": body.get("model"), "bearer": bearer, **summary})
        if actions[0].kind == "error":
            status = int(actions[0].number)
            return await _error(writer, status, f"fake error {status}")
        if actions[0].kind == "slowhead":
            await asyncio.sleep(actions[0].number)
            actions = (Action("text", "late answer"),)
        return await _play(writer, body, actions, max(1, len(raw) // 4))

    def _acts(self, body: dict[str, Any]) -> Sequence[Action]:
        messages = body.get("messages", [])
        for place in range(len(messages) - 1, -1, -1):
            text = _script(messages[place])
            if text:
                later = messages[place + 1 :]
                calls = sum(message.get("role") == "assistant" for message in later)
                actions = step_at(text, calls, self.budget)
                return with_texts(actions, _heard(later), list(_prompts(messages)))
        return DEFAULT


async def _play(
    writer: asyncio.StreamWriter, body: dict[str, Any], actions: Sequence[Action], prompt: int
) -> None:
    model = body.get("model", "fake")
    if not body.get("stream"):
        await send_json(writer, 200, whole(model, actions, prompt))
        return
    async with aclosing(streamed(model, actions, prompt)) as events:
        await send_stream(writer, _frames(events), "request-id: req_fake\r\n")


async def _frames(events: AsyncIterator[dict[str, Any]]) -> AsyncIterator[str]:
    async for event in events:
        yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"


async def _error(writer: asyncio.StreamWriter, status: int, message: str) -> None:
    error = {"type": ERRORS.get(status, "api_error"), "message": message}
    await send_json(writer, status, {"type": "error", "error": error})


def _texts(body: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (message.get("role"), text_of(message.get("content")))
        for message in body.get("messages", [])
        if message.get("role") != "system"
    ]


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
                return text_of(block.get("content"))
    return ""


if __name__ == "__main__":
    serve(ModelApi, __doc__)
