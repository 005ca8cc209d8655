"""A fake chat/completions API on the loopback, controlled by the prompt's directives.

  python server.py [--port N] [--log FILE]     prints {"port": N} once it listens

The directives are those of `model_api/script.py`. Keys that contain `bad` are refused with 401.
`--log` appends one JSON line a request and one when its client has left.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "model_api"))
sys.path.insert(0, str(Path(__file__).parent))

from answers import streamed, whole
from fake_api import FakeApi, Request, send_json, send_stream, serve, text_of
from script import DEFAULT, Action, has_steps, step_at

ERRORS = {401: "authentication_error", 429: "rate_limit_error", 400: "invalid_request_error"}


class ChatCompletions(FakeApi):
    """One listening server."""

    async def answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        method, path, headers, raw = request
        body = json.loads(raw) if raw else {}
        if "bad" in headers.get("authorization", ""):
            return await _error(writer, 401, "invalid key")
        if method == "GET" and path.endswith("/models"):
            return await send_json(writer, 200, {"object": "list", "data": []})
        if not path.endswith("/chat/completions"):
            return await _error(writer, 404, "not found")
        actions = self._acts(body)
        self.note(
            {
                "path": path,
                "model": body.get("model"),
                "acts": [action.kind for action in actions],
                "answers": _answers(body),
            }
        )
        if actions[0].kind == "error":
            status = int(actions[0].number)
            return await _error(writer, status, f"fake error {status}")
        if actions[0].kind == "slowhead":
            await asyncio.sleep(actions[0].number)
            actions = (Action("text", "late answer"),)
        try:
            return await _play(writer, body, actions, max(1, len(raw) // 4))
        except ConnectionError:
            self.note({"left": [action.kind for action in actions]})
            raise

    def _acts(self, body: dict[str, Any]) -> Sequence[Action]:
        messages = body.get("messages", [])
        for place in range(len(messages) - 1, -1, -1):
            text = text_of(messages[place].get("content"))
            if messages[place].get("role") == "user" and has_steps(text):
                later = messages[place + 1 :]
                calls = sum(message.get("role") == "assistant" for message in later)
                return step_at(text, calls, self.budget)
        return DEFAULT


async def _play(
    writer: asyncio.StreamWriter, body: dict[str, Any], actions: Sequence[Action], prompt: int
) -> None:
    model = body.get("model", "fake")
    if not body.get("stream"):
        await send_json(writer, 200, await whole(model, actions, prompt))
        return
    async with aclosing(streamed(model, actions, prompt)) as chunks:
        await send_stream(writer, _frames(chunks))


async def _frames(chunks: AsyncIterator[dict[str, Any]]) -> AsyncIterator[str]:
    async for chunk in chunks:
        yield f"data: {json.dumps(chunk)}\n\n"
    yield "data: [DONE]\n\n"


async def _error(writer: asyncio.StreamWriter, status: int, message: str) -> None:
    error = {"type": ERRORS.get(status, "server_error"), "message": message}
    await send_json(writer, status, {"error": error})


def _answers(body: dict[str, Any]) -> list[str]:
    rows = body.get("messages", [])
    return [text_of(row.get("content")) for row in rows if row.get("role") == "assistant"]


if __name__ == "__main__":
    serve(ChatCompletions, __doc__)
