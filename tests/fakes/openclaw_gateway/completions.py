"""chat/completions as the gateway answers it: text alone, errors inside a stream of status 200."""

import asyncio
import json
from typing import Any

from script import Budget, step_at
from websocket import respond


async def complete(body: dict[str, Any], budget: Budget, writer: asyncio.StreamWriter) -> None:
    """Answer one request."""
    prompt = body["messages"][-1]["content"]
    if not body.get("stream"):
        respond(writer, 200, {"choices": [{"message": {"content": "Good day"}}]})
        return
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
    writer.write(b"connection: close\r\n\r\n")
    for action in step_at(prompt, 0, budget):
        if action.kind == "error":
            error = {"message": f"fake/m request failed (HTTP {action.rest}).", "type": "x"}
            writer.write(f"data: {json.dumps({'error': error})}\n\n".encode())
            break
        for text in action.chunks:
            choice = {"delta": {"content": text}, "finish_reason": None}
            writer.write(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())
            await writer.drain()
            await asyncio.sleep(action.delay)
        usage = {"prompt_tokens": 5, "completion_tokens": 2}
        writer.write(f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n".encode())
    writer.write(b"data: [DONE]\n\n")
