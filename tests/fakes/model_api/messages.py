"""The body of an answer of the messages API: as server-sent events, and as one JSON object."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

from fake_api import ConnectionAborted
from script import Action

TOOL_PIECE = 24


def new_id(kind: str) -> str:
    return f"{kind}_{uuid.uuid4().hex[:20]}"


def usage(prompt: int, output: int) -> dict[str, int]:
    return {
        "input_tokens": prompt,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 7,
        "output_tokens": output,
    }


def whole(model: str, actions: Sequence[Action], prompt: int) -> dict[str, Any]:
    """Answer without a stream. Raises `ConnectionAborted` where a stream would break."""
    content: list[dict[str, Any]] = []
    for action in actions:
        if action.kind in {"cut", "fail"}:
            raise ConnectionAborted
        if action.kind == "tool":
            name, arguments = action.tool
            content.append(
                {"type": "tool_use", "id": new_id("toolu"), "name": name, "input": arguments}
            )
        elif action.kind != "think":
            content.append({"type": "text", "text": "".join(action.chunks)})
    stop = "tool_use" if any(block["type"] == "tool_use" for block in content) else "end_turn"
    return {**_message(model, prompt, 5), "content": content, "stop_reason": stop}


async def streamed(
    model: str, actions: Sequence[Action], prompt: int
) -> AsyncIterator[dict[str, Any]]:
    """Answer as the API's stream events."""
    yield {"type": "message_start", "message": _message(model, prompt, 1)}
    output, stop = 0, "end_turn"
    for index, action in enumerate(actions):
        silent = action.kind == "silence"
        if silent:
            await asyncio.sleep(action.number)
        async for event in _block(index, Action("text", "after the silence") if silent else action):
            output += event["type"] == "content_block_delta"
            yield event
        if action.kind == "tool":
            stop = "tool_use"
    delta = {"stop_reason": stop, "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": usage(prompt, output)}
    yield {"type": "message_stop"}


async def _block(index: int, action: Action) -> AsyncIterator[dict[str, Any]]:
    name, arguments = action.tool if action.kind == "tool" else ("", {})
    start: dict[str, Any] = {"type": "text", "text": ""}
    if action.kind == "tool":
        start = {"type": "tool_use", "id": new_id("toolu"), "name": name, "input": {}}
    elif action.kind == "think":
        start = {"type": "thinking", "thinking": "", "signature": ""}
    yield {"type": "content_block_start", "index": index, "content_block": start}
    async for delta in _deltas(action, arguments):
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    if action.kind == "fail":
        kind = action.rest or "overloaded_error"
        yield {"type": "error", "error": {"type": kind, "message": "fake failure"}}
        raise ConnectionAborted
    if action.kind == "cut":
        raise ConnectionAborted
    yield {"type": "content_block_stop", "index": index}


async def _deltas(action: Action, arguments: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    if action.kind == "tool":
        whole_input = json.dumps(arguments)
        for place in range(0, len(whole_input), TOOL_PIECE):
            piece = whole_input[place : place + TOOL_PIECE]
            yield {"type": "input_json_delta", "partial_json": piece}
        return
    words = action if action.kind != "fail" else Action("text", "some text")
    for number, chunk in enumerate(words.chunks):
        if number and action.delay:
            await asyncio.sleep(action.delay)
        if action.kind == "think":
            yield {"type": "thinking_delta", "thinking": chunk}
        else:
            yield {"type": "text_delta", "text": chunk}
    if action.kind == "think":
        yield {"type": "signature_delta", "signature": "c3RhbmQtaW4="}


def _message(model: str, prompt: int, output: int) -> dict[str, Any]:
    return {
        "id": new_id("msg"),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage(prompt, output),
    }
