"""Holds the event loop, says nothing, refuses an answer, or runs a program that fails."""

import asyncio
import sys
import time
from pathlib import Path

from xo_cowork_core.sdk import (
    Answers,
    ChecksHealth,
    Health,
    Interrupts,
    PermissionRequest,
    Runtime,
    RuntimeInfo,
    SecretField,
    TextDelta,
    ToolCall,
    hookimpl,
)

FAILING = "import os, sys; sys.exit('no battery, key ' + os.environ['HOLDS_KEY'])"


class Holder(Runtime, Answers, ChecksHealth, Interrupts):
    def __init__(self, context):
        self.context = context

    def describe(self):
        return RuntimeInfo("holder", "Holder", silent_seconds=1.0)

    async def run(self, turn):
        yield TextDelta("Well. ")
        if turn.text == "block":
            time.sleep(2.5)
        if turn.text == "nap":
            Path(turn.cwd, "naps").touch()
            for _ in range(4):
                time.sleep(0.1)
        if turn.text == "program":
            # a program may take long to start; while a tool runs nobody takes the turn for silent
            yield ToolCall("c1", "bash")
            process = await self.context.processes.spawn(
                [sys.executable, "-c", FAILING],
                cwd=turn.cwd,
                environment=turn.environment,
                owner=turn.stream_id,
            )
            async for _ in process.batches():
                pass
            raise RuntimeError("what now?")
        if turn.text == "tool":
            yield ToolCall("c1", "bash")
        if turn.text in {"ask", "refuse"}:
            yield PermissionRequest("c1", "bash", "run_commands")
        if turn.text not in {"block", "nap"}:
            await asyncio.sleep(3 if turn.text in {"tool", "ask"} else 3600)

    async def answer(self, turn, call_id, answer):
        if turn.text == "refuse":
            raise ValueError("planted words")

    async def interrupt(self, turn):
        self.context.log.warning("interrupted")

    async def health(self):
        return Health("ready")


class Plugin:
    @hookimpl
    def xo_secrets(self):
        return [SecretField("HOLDS_KEY", "Key")]

    @hookimpl
    def xo_runtimes(self, context):
        return [Holder(context)]


plugin = Plugin()
