"""Scenarios with tools. All that they touch is the folder `demo` in the turn's own folder."""

import asyncio
from collections.abc import AsyncGenerator

from xo_cowork_core.sdk import (
    Event,
    PermissionAnswer,
    PermissionRequest,
    TodoItem,
    ToolCall,
    ToolError,
    ToolResult,
)
from xo_runtime_demo.folder import read_below, safe_name, write_below
from xo_runtime_demo.prompt import unquoted
from xo_runtime_demo.scenario_context import ScenarioContext
from xo_runtime_demo.text_scenarios import MOST_SECONDS

FOLDER = "demo"
CONTENT = "# A note\n\nThe demo agent of XO Cowork wrote this.\n"
REFUSED = "You did not allow this write."
TASKS = ("Read the request", "Write the note", "Say what was done")


async def tools(stage: ScenarioContext) -> AsyncGenerator[Event, None]:
    for delta in stage.say("I write a note and read it back. "):
        yield delta
    call = _write_call(stage)
    yield call
    yield (
        ToolError(call.call_id, "write", REFUSED)
        if stage.turn.permissions.rule("file_changes") == "deny"
        else await _write(stage, call)
    )
    for event in stage.next_step():
        yield event
    reading = ToolCall(stage.call_id(), "read", {"file_path": _path(call)}, f"Read {_path(call)}")
    yield reading
    yield await _read(stage, reading)
    for event in stage.next_step():
        yield event
    for delta in stage.say(f"Done: {_path(call)} holds the note."):
        yield delta


async def permission(stage: ScenarioContext) -> AsyncGenerator[Event, None]:
    call = _write_call(stage)
    yield call
    rule = stage.turn.permissions.rule("file_changes")
    allowed, reason = rule == "allow", ""
    if rule == "ask":
        yield PermissionRequest(
            call.call_id, "write", "file_changes", (_path(call),), call.arguments
        )
        answer = await stage.wait_for(call.call_id)
        if isinstance(answer, PermissionAnswer):
            allowed, reason = answer.allow, answer.message
    if allowed:
        yield await _write(stage, call)
    else:
        yield ToolError(call.call_id, "write", reason or REFUSED)
    for event in stage.next_step():
        yield event
    told = f"I wrote {_path(call)}." if allowed else "I left your files alone."
    for delta in stage.say(told):
        yield delta


async def wait(stage: ScenarioContext) -> AsyncGenerator[Event, None]:
    seconds = stage.request.number(10, MOST_SECONDS)
    call = ToolCall(stage.call_id(), "wait", {"seconds": seconds}, f"Wait {seconds:g} s")
    yield call
    await stage.pause(seconds)
    yield ToolResult(call.call_id, "wait", f"waited {seconds:g} s", call.title)
    for event in stage.next_step():
        yield event
    for delta in stage.say("The wait is over."):
        yield delta


async def todo(stage: ScenarioContext) -> AsyncGenerator[Event, None]:
    for done in range(len(TASKS) + 1):
        items = [_task(number, done).data() for number in range(len(TASKS))]
        call = ToolCall(stage.call_id(), "todo", {"todos": items}, "Update the task list")
        yield call
        yield ToolResult(call.call_id, "todo", "", call.title, {"todos": items})
        await stage.pause(0)
    for event in stage.next_step():
        yield event
    for delta in stage.say("All three tasks are done."):
        yield delta


def _task(number: int, done: int) -> TodoItem:
    status = "completed" if number < done else "in_progress" if number == done else "pending"
    return TodoItem(TASKS[number], status)


def _write_call(stage: ScenarioContext) -> ToolCall:
    name, _, content = stage.request.rest.partition(" ")
    name = safe_name(name, "note.md") if "." in name else "note.md"
    path = f"{FOLDER}/{name}"
    arguments = {"file_path": path, "content": unquoted(content) or CONTENT}
    return ToolCall(stage.call_id(), "write", arguments, f"Write {path}")


def _path(call: ToolCall) -> str:
    return str(call.arguments["file_path"])


async def _write(stage: ScenarioContext, call: ToolCall) -> Event:
    path, content = _path(call), str(call.arguments["content"])
    stage.count(len(content))
    try:
        await asyncio.to_thread(write_below, stage.turn.cwd, path, content)
    except OSError as error:
        return ToolError(call.call_id, "write", error.strerror or "The path is not allowed.")
    return ToolResult(call.call_id, "write", f"Wrote {path}", call.title)


async def _read(stage: ScenarioContext, call: ToolCall) -> Event:
    try:
        content = await asyncio.to_thread(read_below, stage.turn.cwd, _path(call))
    except OSError as error:
        return ToolError(call.call_id, "read", error.strerror or "The path is not allowed.")
    return ToolResult(call.call_id, "read", content, call.title)
