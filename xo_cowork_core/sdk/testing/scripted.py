"""A runtime without abilities whose prompt is a script of steps to run.

The script is a JSON list of steps, written by `script`; any other prompt is returned as text. Tests
of the host use it, and it shows how little a runtime needs.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import cast

from xo_cowork_core.sdk import (
    AgentFailure,
    Done,
    Event,
    ReasoningDelta,
    Runtime,
    RuntimeInfo,
    TextDelta,
    Tokens,
    ToolCall,
    ToolResult,
    Turn,
)
from xo_cowork_core.sdk.testing.plugin_folder import install_plugin
from xo_cowork_core.sdk.testing.subject import RuntimeSubject

NAME = "scripted"
PLUGIN = "runtime_scripted"
CONTEXT_MARK = "\n\n---\n\n> **Project context**"
PIECE_CHARACTERS = 7
TICK_SECONDS = 0.05
SOURCE = """\
from xo_cowork_core.sdk import hookimpl
from xo_cowork_core.sdk.testing.scripted import ScriptedRuntime


class Plugin:
    @hookimpl
    def xo_runtimes(self, context):
        return [ScriptedRuntime()]


plugin = Plugin()
"""
Step = Sequence[str | int | float]


def script(*steps: Step) -> str:
    """Return a prompt for `ScriptedRuntime` that runs these steps.

    Steps: `["text", t]` in small deltas, `["delta", t]` in one, `["huge", characters]`,
    `["ticks", seconds]`, `["sleep", seconds]`, `["think", t]`, `["write", name, content]`,
    `["tool", seconds]`, `["leave", seconds]` (a process that outlives the step),
    `["environment"]` (the names and SHA-256 digests of the turn's entries as a JSON object),
    `["mcp_servers"]` (the names and addresses of the turn's MCP servers as a JSON object),
    `["usage", input, output]` (a `Done` that may come too early or twice),
    `["fail", code, message]`, `["crash"]`, `["junk"]` (something that is not an event).
    """
    return json.dumps([list(step) for step in steps], ensure_ascii=False)


class ScriptedRuntime(Runtime):
    """Runs the script in the prompt."""

    def __init__(self, name: str = NAME) -> None:
        self._info = RuntimeInfo(name=name, title="Scripted", rank=1001)

    def describe(self) -> RuntimeInfo:
        return self._info

    async def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        for number, (kind, *values) in enumerate(_steps(turn.text), 1):
            run_step = STEP_FUNCTIONS.get(kind, _unknown)
            async for event in run_step(turn, f"call-{turn.stream_id[:8]}-{number}", values):
                yield event


def install_scripted(folder: Path) -> Path:
    """Install `ScriptedRuntime` as the plugin `runtime_scripted` in `folder`, and return it."""
    return install_plugin(folder, PLUGIN, SOURCE)


def scripted_subject(folder: Path) -> RuntimeSubject:
    """Install `ScriptedRuntime` as a plugin in `folder` and return it as a contract subject."""
    install_scripted(folder)
    return RuntimeSubject(
        agent_name=NAME,
        python_path=(folder,),
        plugins=PLUGIN,
        say=lambda text: script(["text", text]),
        nothing=script,
        slow_text=lambda seconds: script(["ticks", seconds]),
        slow_tool=lambda seconds: script(["tool", seconds], ["text", "The wait is over."]),
        tool=lambda name, content: script(["write", name, content], ["text", "Written."]),
        reasoning=lambda: script(["think", "I think."], ["text", "I thought."]),
        fail=lambda code: script(["text", "Soon: "], ["fail", code, f"a {code} on purpose"]),
        failures={code: f"a {code} on purpose" for code in ("auth", "rate_limit", "network")},
        die=lambda: script(["text", "Last words."], ["crash"]),
        long_line=lambda characters: script(["huge", characters]),
        invalid_records=lambda: script(["text", "Before. "], ["junk"], ["text", "After."]),
    )


def _steps(text: str) -> Sequence[tuple[str, *tuple[str, ...]]]:
    text = text.split(CONTEXT_MARK, 1)[0]
    try:
        steps = json.loads(text)
    except ValueError:
        steps = [["text", text]]
    return cast("Sequence[tuple[str, *tuple[str, ...]]]", steps)


StepFunction = Callable[[Turn, str, Sequence[str]], AsyncGenerator[Event, None]]


async def _text(turn: Turn, call_id: str, values: Sequence[str]) -> AsyncGenerator[Event, None]:
    size = max(PIECE_CHARACTERS, len(values[0]) // 1000)
    for start in range(0, len(values[0]), size):
        yield TextDelta(values[0][start : start + size])


async def _delta(turn: Turn, call_id: str, values: Sequence[str]) -> AsyncGenerator[Event, None]:
    yield TextDelta(values[0])


async def _huge(turn: Turn, call_id: str, values: Sequence[str]) -> AsyncGenerator[Event, None]:
    yield TextDelta("x" * int(values[0]))


async def _ticks(turn: Turn, call_id: str, values: Sequence[str]) -> AsyncGenerator[Event, None]:
    for tick in range(max(1, round(float(values[0]) / TICK_SECONDS))):
        yield TextDelta(f"tick-{tick} ")
        await asyncio.sleep(TICK_SECONDS)


async def _sleep(turn: Turn, call_id: str, values: Sequence[str]) -> AsyncGenerator[Event, None]:
    await asyncio.sleep(float(values[0]))
    for nothing in ():
        yield nothing


async def _think(turn: Turn, call_id: str, values: Sequence[str]) -> AsyncGenerator[Event, None]:
    yield ReasoningDelta(values[0])


async def _write(turn: Turn, call_id: str, values: Sequence[str]) -> AsyncGenerator[Event, None]:
    name, content = Path(values[0]).name, values[1]
    yield ToolCall(call_id, "write", {"file_path": name, "content": content})
    await asyncio.to_thread((turn.cwd / name).write_text, content)
    yield ToolResult(call_id, "write", f"Wrote {name}")


async def _tool(turn: Turn, call_id: str, values: Sequence[str]) -> AsyncGenerator[Event, None]:
    yield ToolCall(call_id, "wait", {"seconds": float(values[0])})
    await asyncio.sleep(float(values[0]))
    yield ToolResult(call_id, "wait", "waited")


async def _leave(turn: Turn, call_id: str, values: Sequence[str]) -> AsyncGenerator[Event, None]:
    await asyncio.create_subprocess_exec("sleep", str(values[0]), start_new_session=True)
    for nothing in ():
        yield nothing


async def _environment(
    turn: Turn, call_id: str, values: Sequence[str]
) -> AsyncGenerator[Event, None]:
    entries = {
        name: hashlib.sha256(value.get_secret_value().encode()).hexdigest()
        for name, value in turn.environment.items()
    }
    yield TextDelta(json.dumps(entries))


async def _mcp_servers(
    turn: Turn, call_id: str, values: Sequence[str]
) -> AsyncGenerator[Event, None]:
    yield TextDelta(json.dumps({server.name: server.url for server in turn.mcp_servers}))


async def _usage(turn: Turn, call_id: str, values: Sequence[str]) -> AsyncGenerator[Event, None]:
    yield Done(tokens=Tokens(input=int(values[0]), output=int(values[1])))


async def _fail(turn: Turn, call_id: str, values: Sequence[str]) -> AsyncGenerator[Event, None]:
    for nothing in ():
        yield nothing
    raise AgentFailure(values[1], code=values[0])


async def _crash(turn: Turn, call_id: str, values: Sequence[str]) -> AsyncGenerator[Event, None]:
    for nothing in ():
        yield nothing
    raise ZeroDivisionError("on purpose")


async def _junk(turn: Turn, call_id: str, values: Sequence[str]) -> AsyncGenerator[Event, None]:
    yield cast("Event", {"not": "an event"})


async def _unknown(turn: Turn, call_id: str, values: Sequence[str]) -> AsyncGenerator[Event, None]:
    for nothing in ():
        yield nothing
    raise AgentFailure("The script has an unknown step.", code="bad_request")


STEP_FUNCTIONS: Mapping[str, StepFunction] = MappingProxyType(
    {
        "text": _text,
        "delta": _delta,
        "huge": _huge,
        "ticks": _ticks,
        "sleep": _sleep,
        "think": _think,
        "write": _write,
        "tool": _tool,
        "leave": _leave,
        "environment": _environment,
        "mcp_servers": _mcp_servers,
        "usage": _usage,
        "fail": _fail,
        "crash": _crash,
        "junk": _junk,
    }
)
