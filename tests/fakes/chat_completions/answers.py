"""The body of an answer of chat/completions: chunk by chunk, and as one JSON object."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

from fake_api import ConnectionAborted
from script import Action

TOOL_PIECE = 24


def usage(prompt: int, output: int) -> dict[str, Any]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": {"cached_tokens": 7},
    }


async def streamed(
    model: str, actions: Sequence[Action], prompt: int
) -> AsyncIterator[dict[str, Any]]:
    """Yield the chunks of an answer. Raises `ConnectionAborted` where the script says so."""
    answer = f"chatcmpl-{uuid.uuid4().hex[:20]}"
    tools = output = 0

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {
            "id": answer,
            "object": "chat.completion.chunk",
            "model": model,
            "choices": [choice],
        }

    yield chunk({"role": "assistant", "content": ""})
    for action in actions:
        if action.kind == "tool":
            for delta in _tool(action, tools):
                yield chunk(delta)
            tools += 1
        elif action.kind == "silence":
            await asyncio.sleep(action.number)
        elif action.kind == "fail":
            yield {"error": {"type": action.rest or "server_error", "message": "fake failed"}}
            raise ConnectionAborted
        else:
            for text in action.chunks:
                output += 1
                yield chunk({"reasoning_content" if action.kind == "think" else "content": text})
                await asyncio.sleep(action.delay)
        if action.kind == "cut":
            raise ConnectionAborted
    yield chunk({}, "tool_calls" if tools else "stop")
    yield {"id": answer, "model": model, "choices": [], "usage": usage(prompt, max(1, output))}


async def whole(model: str, actions: Sequence[Action], prompt: int) -> dict[str, Any]:
    """Answer without a stream."""
    text, calls, spent = "", [], usage(prompt, 1)
    async for piece in streamed(model, actions, prompt):
        spent = piece.get("usage", spent)
        for choice in piece.get("choices", ()):
            text += choice["delta"].get("content", "")
            for call in choice["delta"].get("tool_calls", ()):
                if "id" in call:
                    calls.append({**call, "function": dict(call["function"])})
                else:
                    calls[-1]["function"]["arguments"] += call["function"]["arguments"]
    message = {"role": "assistant", "content": text, **({"tool_calls": calls} if calls else {})}
    finish = "tool_calls" if calls else "stop"
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return {"id": "chatcmpl-whole", "model": model, "choices": [choice], "usage": spent}


def _tool(action: Action, index: int) -> list[dict[str, Any]]:
    name, arguments = action.tool
    text = json.dumps(arguments)
    head = {"index": index, "id": f"call_{uuid.uuid4().hex[:20]}", "type": "function"}
    pieces = [text[at : at + TOOL_PIECE] for at in range(0, len(text), TOOL_PIECE)]
    return [
        {"tool_calls": [{**head, "function": {"name": name, "arguments": ""}}]},
        *({"tool_calls": [{"index": index, "function": {"arguments": p}}]} for p in pieces),
    ]
