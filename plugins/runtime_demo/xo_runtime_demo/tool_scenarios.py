"""Scenarios with tools, which touch nothing but the folder `demo` in the turn's folder."""

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
    ToolUpdate,
)
from xo_runtime_demo.folder import read_below, safe_name, write_below
from xo_runtime_demo.prompt import decode_json_string
from xo_runtime_demo.scenario_context import ScenarioContext
from xo_runtime_demo.text_scenarios import MAX_SECONDS, TICK_SECONDS

FOLDER = "demo"
MAX_LINES = 1000
CONTENT = "# A note\n\nThe demo agent of XO Cowork wrote this.\n"
DENIED = "You did not allow this write."
TASKS = ("Read the request", "Write the note", "Say what was done")


async def tools(context: ScenarioContext) -> AsyncGenerator[Event, None]:
    for delta in context.text_deltas("I write a note and read it back. "):
        yield delta
    call = _make_write_call(context)
    yield call
    yield (
        ToolError(call.call_id, "write", DENIED)
        if context.turn.permissions.rule("file_changes") == "deny"
        else await _write(context, call)
    )
    for event in context.next_step():
        yield event
    reading = ToolCall(
        context.new_call_id(), "read", {"file_path": _path_of(call)}, f"Read {_path_of(call)}"
    )
    yield reading
    yield await _read(context, reading)
    for event in context.next_step():
        yield event
    for delta in context.text_deltas(f"Done: {_path_of(call)} holds the note."):
        yield delta


async def permission(context: ScenarioContext) -> AsyncGenerator[Event, None]:
    call = _make_write_call(context)
    yield call
    rule = context.turn.permissions.rule("file_changes")
    allowed, reason = rule == "allow", ""
    if rule == "ask" and context.turn.session_id in context.trusted_sessions:
        allowed = True
    elif rule == "ask":
        pending = context.expect_answer(call.call_id)
        yield PermissionRequest(
            call.call_id,
            "write",
            "file_changes",
            (_path_of(call),),
            call.arguments,
            options=("once", "session"),
        )
        answer = await context.wait_for(pending)
        if isinstance(answer, PermissionAnswer):
            allowed, reason = answer.allow, answer.message
            if allowed and answer.scope == "session":
                context.trusted_sessions.add(context.turn.session_id)
    if allowed:
        yield await _write(context, call)
    else:
        yield ToolError(call.call_id, "write", reason or DENIED)
    for event in context.next_step():
        yield event
    text = f"I wrote {_path_of(call)}." if allowed else "I left your files alone."
    for delta in context.text_deltas(text):
        yield delta


async def wait(context: ScenarioContext) -> AsyncGenerator[Event, None]:
    seconds = context.request.number(10, MAX_SECONDS)
    call = ToolCall(context.new_call_id(), "wait", {"seconds": seconds}, f"Wait {seconds:g} s")
    yield call
    await context.pause(seconds)
    yield ToolResult(call.call_id, "wait", f"waited {seconds:g} s", call.title)
    for event in context.next_step():
        yield event
    for delta in context.text_deltas("The wait is over."):
        yield delta


async def progress(context: ScenarioContext) -> AsyncGenerator[Event, None]:
    lines = int(context.request.number(5, MAX_LINES))
    call = ToolCall(context.new_call_id(), "bash", {}, "Count")
    yield call
    # some agents send a call before the model has written its arguments
    yield ToolUpdate(call.call_id, "bash", {"command": f"seq {lines}"}, f"Count to {lines}")
    text = ""
    for line in range(1, lines + 1):
        await context.pause(TICK_SECONDS)
        text += f"{line}\n"
        yield ToolUpdate(call.call_id, "bash", output=text)
    yield ToolResult(call.call_id, "bash", text, f"Count to {lines}")
    for event in context.next_step():
        yield event
    for delta in context.text_deltas("The tool has printed its last line."):
        yield delta


async def todo(context: ScenarioContext) -> AsyncGenerator[Event, None]:
    for done in range(len(TASKS) + 1):
        items = [_task(number, done).data() for number in range(len(TASKS))]
        call = ToolCall(context.new_call_id(), "todo", {"todos": items}, "Update the task list")
        yield call
        yield ToolResult(call.call_id, "todo", "", call.title, {"todos": items})
        await context.pause(0)
    for event in context.next_step():
        yield event
    for delta in context.text_deltas("All three tasks are done."):
        yield delta


def _task(number: int, done: int) -> TodoItem:
    status = "completed" if number < done else "in_progress" if number == done else "pending"
    return TodoItem(TASKS[number], status)


def _make_write_call(context: ScenarioContext) -> ToolCall:
    name, _, content = context.request.arguments.partition(" ")
    name = safe_name(name, "note.md") if "." in name else "note.md"
    path = f"{FOLDER}/{name}"
    arguments = {"file_path": path, "content": decode_json_string(content) or CONTENT}
    return ToolCall(context.new_call_id(), "write", arguments, f"Write {path}")


def _path_of(call: ToolCall) -> str:
    return str(call.arguments["file_path"])


async def _write(context: ScenarioContext, call: ToolCall) -> Event:
    path, content = _path_of(call), str(call.arguments["content"])
    context.count_output(len(content))
    try:
        await asyncio.to_thread(write_below, context.turn.cwd, path, content)
    except OSError as error:
        return ToolError(call.call_id, "write", error.strerror or "The path is not allowed.")
    return ToolResult(call.call_id, "write", f"Wrote {path}", call.title)


async def _read(context: ScenarioContext, call: ToolCall) -> Event:
    try:
        content = await asyncio.to_thread(read_below, context.turn.cwd, _path_of(call))
    except OSError as error:
        return ToolError(call.call_id, "read", error.strerror or "The path is not allowed.")
    return ToolResult(call.call_id, "read", content, call.title)
