"""The body of an answer of the responses API, as its server-sent events."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from fake_api import ConnectionAborted
from script import Action

ARGUMENTS_PIECE = 24
CACHED_TOKENS = 7
REASONING_TOKENS = 2
Event = dict[str, Any]


class Failed(Exception):
    """The answer is over, with an error in it."""


def new_id(kind: str) -> str:
    return f"{kind}_{uuid.uuid4().hex[:20]}"


def call_id(answer: str, place: int) -> str:
    """Name a call so that the answer it belongs to can be told from it."""
    return f"call_{answer.removeprefix('resp_')}_{place}"


def answer_of(call: str) -> str:
    return call.rpartition("_")[0]


async def streamed(model: str, actions: Sequence[Action], prompt: int) -> AsyncIterator[Event]:
    """Answer as the API's stream events."""
    answer = {"id": new_id("resp"), "object": "response", "model": model, "status": "in_progress"}
    yield {"type": "response.created", "response": {**answer, "output": []}}
    output: list[Event] = []
    count = 0
    for place, action in enumerate(actions):
        if action.kind == "silence":
            await asyncio.sleep(action.number)
            action = Action("text", "after the silence")  # noqa: PLW2901 - the action that it ends in
        async for event in _item(answer, place, action):
            count += event["type"].endswith(".delta")
            if event["type"] == "response.output_item.done":
                output.append(event["item"])
            yield {**event, "output_index": place}
    thought = REASONING_TOKENS if any(action.kind == "think" for action in actions) else 0
    usage = {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": min(CACHED_TOKENS, prompt)},
        "output_tokens": count + thought,
        "output_tokens_details": {"reasoning_tokens": thought},
        "total_tokens": prompt + count + thought,
    }
    done = {**answer, "status": "completed", "output": output, "usage": usage}
    yield {"type": "response.completed", "response": done}


async def _item(answer: Event, place: int, action: Action) -> AsyncIterator[Event]:
    if action.kind == "tool":
        for event in _call(str(answer["id"]), place, action):
            yield event
    elif action.kind == "think":
        async for event in _thought(action):
            yield event
    else:
        async for event in _message(answer, action):
            yield event


async def _message(answer: Event, action: Action) -> AsyncIterator[Event]:
    item = {"type": "message", "id": new_id("msg"), "role": "assistant"}
    opened = {**item, "status": "in_progress", "content": []}
    yield {"type": "response.output_item.added", "item": opened}
    words = action if action.kind != "fail" else Action("text", "some text")
    text = ""
    async for chunk in _paced(words):
        text += chunk
        delta = {"item_id": item["id"], "content_index": 0, "delta": chunk}
        yield {"type": "response.output_text.delta", **delta}
    if action.kind == "fail":
        error = {"code": action.rest or "server_is_overloaded", "message": "fake failure"}
        failed = {**answer, "status": "failed", "error": error}
        yield {"type": "response.failed", "response": failed}
        raise Failed
    if action.kind == "cut":
        raise ConnectionAborted
    content = [{"type": "output_text", "text": text, "annotations": []}]
    done = {**item, "status": "completed", "content": content}
    yield {"type": "response.output_item.done", "item": done}


async def _thought(action: Action) -> AsyncIterator[Event]:
    item = {"type": "reasoning", "id": new_id("rs")}
    place = {"item_id": item["id"], "summary_index": 0}
    yield {"type": "response.output_item.added", "item": {**item, "summary": []}}
    part = {"type": "summary_text", "text": ""}
    yield {"type": "response.reasoning_summary_part.added", **place, "part": part}
    text = ""
    async for chunk in _paced(action):
        text += chunk
        yield {"type": "response.reasoning_summary_text.delta", **place, "delta": chunk}
    summary = [{"type": "summary_text", "text": text}]
    done = {**item, "summary": summary, "encrypted_content": None}
    yield {"type": "response.output_item.done", "item": done}


def _call(answer: str, place: int, action: Action) -> Iterator[Event]:
    tool, given = action.tool
    namespace, _, name = tool.rpartition(".")
    arguments = json.dumps(given)
    item = {"type": "function_call", "id": new_id("fc"), "call_id": call_id(answer, place)}
    item |= {"namespace": namespace} if namespace else {}
    opened = {**item, "name": name, "arguments": "", "status": "in_progress"}
    yield {"type": "response.output_item.added", "item": opened}
    for start in range(0, len(arguments), ARGUMENTS_PIECE):
        piece = arguments[start : start + ARGUMENTS_PIECE]
        yield {
            "type": "response.function_call_arguments.delta",
            "item_id": item["id"],
            "delta": piece,
        }
    done = {**opened, "arguments": arguments, "status": "completed"}
    yield {"type": "response.output_item.done", "item": done}


async def _paced(action: Action) -> AsyncIterator[str]:
    for number, chunk in enumerate(action.chunks):
        if number and action.delay:
            await asyncio.sleep(action.delay)
        yield chunk
