"""Scenarios without tools: text, reasoning, silence, failures."""

import asyncio
from collections.abc import AsyncGenerator

from xo_cowork_core.sdk import (
    AgentFailure,
    Compacted,
    CompactionStart,
    Desync,
    Event,
    ModelLoading,
    ReasoningDelta,
    TextDelta,
    TitleUpdate,
)
from xo_runtime_demo.prompt import decode_json_string
from xo_runtime_demo.scenario_context import ScenarioContext

DELTAS_BETWEEN_YIELDS = 256
TICK_SECONDS = 0.25
MAX_DELTAS = 10_000_000
MAX_SECONDS = 24 * 3600.0
MAX_CHARACTERS = 32 << 20
FAILURES = {
    "auth": "The demo is not signed in. (It never needs to be: this is a scripted error.)",
    "rate_limit": "The demo's rate limit is reached. Try again in a minute.",
    "overloaded": "The demo's model is overloaded.",
    "upstream": "The demo's model answered with an error.",
    "network": "The demo's model cannot be reached.",
    "bad_request": "The demo's model refused the request.",
    "timeout": "The demo's model took too long.",
    "not_installed": "The demo's program is not installed.",
}


async def echo(context: ScenarioContext) -> AsyncGenerator[Event, None]:
    for delta in context.text_deltas(decode_json_string(context.request.arguments)):
        yield delta


async def long(context: ScenarioContext) -> AsyncGenerator[Event, None]:
    count = int(context.request.number(1000, MAX_DELTAS))
    for number in range(1, count + 1):
        if not number % DELTAS_BETWEEN_YIELDS:
            context.count_output(DELTAS_BETWEEN_YIELDS * 8)
            await asyncio.sleep(0)
            context.raise_if_stopped()
        yield TextDelta(f"word-{number} ")


async def huge(context: ScenarioContext) -> AsyncGenerator[Event, None]:
    length = int(context.request.number(1 << 20, MAX_CHARACTERS))
    context.count_output(length)
    yield TextDelta("x" * length)


async def slow(context: ScenarioContext) -> AsyncGenerator[Event, None]:
    seconds = context.request.number(10, MAX_SECONDS)
    yield ModelLoading("The demo takes its time")
    ticks = max(1, round(seconds / TICK_SECONDS))
    for tick in range(1, ticks + 1):
        await context.pause(seconds / ticks)
        for delta in context.text_deltas(f"tick-{tick} "):
            yield delta


async def silent(context: ScenarioContext) -> AsyncGenerator[Event, None]:
    await context.pause(context.request.number(20, MAX_SECONDS))
    for event in ():  # makes this a generator
        yield event


async def reasoning(context: ScenarioContext) -> AsyncGenerator[Event, None]:
    for thought in ("The user wants to see reasoning. ", "So I think aloud, ", "then I answer."):
        context.count_output(len(thought), reasoning=True)
        yield ReasoningDelta(thought)
        await context.pause(0)
    for delta in context.text_deltas("I thought about it: the text above was `reasoning-delta`."):
        yield delta


async def title(context: ScenarioContext) -> AsyncGenerator[Event, None]:
    yield TitleUpdate(context.request.arguments.strip()[:80] or "A title from the demo")
    for delta in context.text_deltas("The session has a new title."):
        yield delta


async def compaction(context: ScenarioContext) -> AsyncGenerator[Event, None]:
    yield CompactionStart(("prune", "summarize"))
    await context.pause(TICK_SECONDS)
    yield Compacted()
    for delta in context.text_deltas("The conversation was shortened."):
        yield delta


async def retry(context: ScenarioContext) -> AsyncGenerator[Event, None]:
    for delta in context.text_deltas("This draft is lost when the model's stream breaks"):
        yield delta
    await context.pause(TICK_SECONDS)
    yield Desync("retry")
    for delta in context.text_deltas(
        "The model's stream broke and was retried: this text alone counts."
    ):
        yield delta


async def error(context: ScenarioContext) -> AsyncGenerator[Event, None]:
    kind = context.request.first_word("upstream").lower()
    code = kind if kind in FAILURES else "upstream"
    for delta in context.text_deltas("Something is about to fail. "):
        yield delta
    raise AgentFailure(FAILURES[code], code=code)


async def crash(context: ScenarioContext) -> AsyncGenerator[Event, None]:
    for delta in context.text_deltas("The next thing is a bug. "):
        yield delta
    raise ZeroDivisionError("the demo's scripted bug")
