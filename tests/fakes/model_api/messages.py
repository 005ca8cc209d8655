"""The body of an answer of the messages API: as server-sent events, and as one JSON object."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

from script import Act
from stand_in import Broken

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


def whole(model: str, acts: Sequence[Act], prompt: int) -> dict[str, Any]:
    """Answer without a stream. Raises `Broken` where a stream would break."""
    content: list[dict[str, Any]] = []
    for act in acts:
        if act.kind in {"cut", "fail"}:
            raise Broken
        if act.kind == "tool":
            name, arguments = act.tool
            content.append(
                {"type": "tool_use", "id": new_id("toolu"), "name": name, "input": arguments}
            )
        elif act.kind != "think":
            content.append({"type": "text", "text": "".join(act.chunks)})
    stop = "tool_use" if any(block["type"] == "tool_use" for block in content) else "end_turn"
    return {**_message(model, prompt, 5), "content": content, "stop_reason": stop}


async def streamed(model: str, acts: Sequence[Act], prompt: int) -> AsyncIterator[dict[str, Any]]:
    """Answer as the API's stream events."""
    yield {"type": "message_start", "message": _message(model, prompt, 1)}
    output, stop = 0, "end_turn"
    for index, act in enumerate(acts):
        silent = act.kind == "silence"
        if silent:
            await asyncio.sleep(act.number)
        async for event in _block(index, Act("text", "after the silence") if silent else act):
            output += event["type"] == "content_block_delta"
            yield event
        if act.kind == "tool":
            stop = "tool_use"
    delta = {"stop_reason": stop, "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": usage(prompt, output)}
    yield {"type": "message_stop"}


async def _block(index: int, act: Act) -> AsyncIterator[dict[str, Any]]:
    name, arguments = act.tool if act.kind == "tool" else ("", {})
    start: dict[str, Any] = {"type": "text", "text": ""}
    if act.kind == "tool":
        start = {"type": "tool_use", "id": new_id("toolu"), "name": name, "input": {}}
    elif act.kind == "think":
        start = {"type": "thinking", "thinking": "", "signature": ""}
    yield {"type": "content_block_start", "index": index, "content_block": start}
    async for delta in _deltas(act, arguments):
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    if act.kind == "fail":
        kind = act.rest or "overloaded_error"
        yield {"type": "error", "error": {"type": kind, "message": "stand-in failure"}}
        raise Broken
    if act.kind == "cut":
        raise Broken
    yield {"type": "content_block_stop", "index": index}


async def _deltas(act: Act, arguments: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    if act.kind == "tool":
        whole_input = json.dumps(arguments)
        for place in range(0, len(whole_input), TOOL_PIECE):
            piece = whole_input[place : place + TOOL_PIECE]
            yield {"type": "input_json_delta", "partial_json": piece}
        return
    words = act if act.kind != "fail" else Act("text", "some text")
    for number, chunk in enumerate(words.chunks):
        if number and act.delay:
            await asyncio.sleep(act.delay)
        if act.kind == "think":
            yield {"type": "thinking_delta", "thinking": chunk}
        else:
            yield {"type": "text_delta", "text": chunk}
    if act.kind == "think":
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
