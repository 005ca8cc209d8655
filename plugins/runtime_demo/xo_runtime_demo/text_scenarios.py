"""Scenarios that only talk, are silent, or fail."""

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
from xo_runtime_demo.prompt import unquoted
from xo_runtime_demo.scenario_context import ScenarioContext

DELTAS_BETWEEN_YIELDS = 256
TICK_SECONDS = 0.25
MOST_DELTAS = 10_000_000
MOST_SECONDS = 24 * 3600.0
MOST_CHARACTERS = 32 << 20
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


async def echo(stage: ScenarioContext) -> AsyncGenerator[Event, None]:
    for delta in stage.say(unquoted(stage.request.rest)):
        yield delta


async def long(stage: ScenarioContext) -> AsyncGenerator[Event, None]:
    count = int(stage.request.number(1000, MOST_DELTAS))
    for number in range(1, count + 1):
        if not number % DELTAS_BETWEEN_YIELDS:
            stage.count(DELTAS_BETWEEN_YIELDS * 8)
            await asyncio.sleep(0)
            stage.check()
        yield TextDelta(f"word-{number} ")


async def huge(stage: ScenarioContext) -> AsyncGenerator[Event, None]:
    length = int(stage.request.number(1 << 20, MOST_CHARACTERS))
    stage.count(length)
    yield TextDelta("x" * length)


async def slow(stage: ScenarioContext) -> AsyncGenerator[Event, None]:
    seconds = stage.request.number(10, MOST_SECONDS)
    yield ModelLoading("The demo takes its time")
    ticks = max(1, round(seconds / TICK_SECONDS))
    for tick in range(1, ticks + 1):
        await stage.pause(seconds / ticks)
        for delta in stage.say(f"tick-{tick} "):
            yield delta


async def silent(stage: ScenarioContext) -> AsyncGenerator[Event, None]:
    await stage.pause(stage.request.number(20, MOST_SECONDS))
    for nothing in ():
        yield nothing


async def reasoning(stage: ScenarioContext) -> AsyncGenerator[Event, None]:
    for thought in ("The user wants to see reasoning. ", "So I think aloud, ", "then I answer."):
        stage.count(len(thought), thought=True)
        yield ReasoningDelta(thought)
        await stage.pause(0)
    for delta in stage.say("I thought about it: what stood above was `reasoning-delta`."):
        yield delta


async def title(stage: ScenarioContext) -> AsyncGenerator[Event, None]:
    yield TitleUpdate(stage.request.rest.strip()[:80] or "A title from the demo")
    for delta in stage.say("The session has a new title."):
        yield delta


async def compaction(stage: ScenarioContext) -> AsyncGenerator[Event, None]:
    yield CompactionStart(("summarise",))
    await stage.pause(TICK_SECONDS)
    yield Compacted()
    for delta in stage.say("The conversation was shortened."):
        yield delta


async def retry(stage: ScenarioContext) -> AsyncGenerator[Event, None]:
    for delta in stage.say("This draft is lost when the model's stream breaks"):
        yield delta
    await stage.pause(TICK_SECONDS)
    yield Desync("retry")
    for delta in stage.say("The model's stream broke and was retried: this text alone counts."):
        yield delta


async def error(stage: ScenarioContext) -> AsyncGenerator[Event, None]:
    kind = stage.request.first("upstream").lower()
    code = kind if kind in FAILURES else "upstream"
    for delta in stage.say("Something is about to fail. "):
        yield delta
    raise AgentFailure(FAILURES[code], code=code)


async def crash(stage: ScenarioContext) -> AsyncGenerator[Event, None]:
    for delta in stage.say("The next thing is a bug. "):
        yield delta
    raise ZeroDivisionError("the demo's scripted bug")
