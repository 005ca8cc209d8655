"""A fake OpenAI responses API on the loopback, controlled by the prompt's directives.

  python server.py [--port N] [--log FILE]     prints {"port": N} once it listens

The directives are those of the other fake model APIs: see ../model_api/script.py. Keys that
contain `bad` are refused with 401. `--log` appends one JSON line a request.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[1] / "model_api"))

from answer import Failed, answer_of, streamed
from fake_api import FakeApi, Request, send_json, send_stream, serve, text_of
from script import DEFAULT, Action, has_steps, step_at

ERRORS = {
    400: ("invalid_request_error", "invalid_request"),
    401: ("invalid_request_error", "invalid_api_key"),
    429: ("rate_limit_error", "rate_limit_exceeded"),
    500: ("server_error", "server_error"),
    503: ("server_error", "server_is_overloaded"),
}
MODELS = ("fake-model",)


class ResponsesApi(FakeApi):
    """One listening server."""

    async def answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        method, path, headers, raw = request
        if "bad" in headers.get("authorization", ""):
            return await _error(writer, 401, "Incorrect API key provided")
        if path.endswith("/models"):
            rows = [{"id": name, "object": "model"} for name in MODELS]
            return await send_json(writer, 200, {"object": "list", "data": rows})
        if method != "POST" or not path.endswith("/responses"):
            return await _error(writer, 404, "not found")
        body = json.loads(raw)
        actions = self._acts(body)
        self.note(_line(path, headers, body))
        if actions[0].kind == "error":
            status = int(actions[0].number)
            return await _error(writer, status, f"fake error {status}")
        if actions[0].kind == "slowhead":
            await asyncio.sleep(actions[0].number)
            actions = (Action("text", "late answer"),)
        return await _play(writer, body, actions, max(1, len(raw) // 4))

    def _acts(self, body: dict[str, Any]) -> Sequence[Action]:
        items = body.get("input", [])
        for place in range(len(items) - 1, -1, -1):
            text = text_of(items[place].get("content"))
            if items[place].get("role") == "user" and has_steps(text):
                later = [item for item in items[place + 1 :] if "call_id" in item]
                calls = len({answer_of(str(item["call_id"])) for item in later})
                actions = step_at(text, calls, self.budget)
                return [
                    _tool_output(later) if action.kind == "result" else action for action in actions
                ]
        return DEFAULT


async def _play(
    writer: asyncio.StreamWriter, body: dict[str, Any], actions: Sequence[Action], prompt: int
) -> None:
    async with aclosing(streamed(body.get("model", ""), actions, prompt)) as events:
        await send_stream(writer, _frames(events))


async def _frames(events: AsyncIterator[dict[str, Any]]) -> AsyncIterator[str]:
    number = 0
    with suppress(Failed):
        async for event in events:
            text = json.dumps({**event, "sequence_number": number})
            yield f"event: {event['type']}\ndata: {text}\n\n"
            number += 1


async def _error(writer: asyncio.StreamWriter, status: int, message: str) -> None:
    kind, code = ERRORS.get(status, ("server_error", "server_error"))
    await send_json(writer, status, {"error": {"message": message, "type": kind, "code": code}})


def _line(path: str, headers: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
    return {
        "path": path,
        "signed": bool(headers.get("authorization")),
        "model": body.get("model"),
        "effort": (body.get("reasoning") or {}).get("effort"),
        "input": [
            (item.get("role"), text_of(item.get("content"))) for item in body.get("input", [])
        ],
        "images": json.dumps(body.get("input")).count('"input_image"'),
        "tools": [tool.get("name") or tool.get("type") for tool in body.get("tools", [])],
    }


def _tool_output(later: Sequence[dict[str, Any]]) -> Action:
    outputs = [item["output"] for item in later if str(item.get("type")).endswith("_output")]
    return Action("exact", json.dumps(str(outputs[-1] if outputs else "nothing")))


if __name__ == "__main__":
    serve(ResponsesApi, __doc__)
