"""chat/completions as the gateway answers it: text alone, errors inside a stream of status 200."""

import asyncio
import json
from typing import Any

from script import Budget, step_at
from wire import respond


async def complete(body: dict[str, Any], budget: Budget, writer: asyncio.StreamWriter) -> None:
    """Answer one request."""
    prompt = body["messages"][-1]["content"]
    if not body.get("stream"):
        respond(writer, 200, {"choices": [{"message": {"content": "Good day"}}]})
        return
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
    writer.write(b"connection: close\r\n\r\n")
    for act in step_at(prompt, 0, budget):
        if act.kind == "error":
            error = {"message": f"stand-in/m request failed (HTTP {act.rest}).", "type": "x"}
            writer.write(f"data: {json.dumps({'error': error})}\n\n".encode())
            break
        for text in act.chunks:
            choice = {"delta": {"content": text}, "finish_reason": None}
            writer.write(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())
            await writer.drain()
            await asyncio.sleep(act.delay)
        usage = {"prompt_tokens": 5, "completion_tokens": 2}
        writer.write(f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n".encode())
    writer.write(b"data: [DONE]\n\n")
