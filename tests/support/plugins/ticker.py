"""A runtime for fault tests: a child prints numbered lines and leaves a detached process."""

import sys
from collections.abc import AsyncIterator, Sequence

from xo_cowork_core.sdk import Event, HostContext, Runtime, RuntimeInfo, TextDelta, Turn, hookimpl

CHILD = """
import os, subprocess, sys, time
lines, pause = int(sys.argv[1]), float(sys.argv[2])
subprocess.Popen(
    [sys.executable, "-c", "import time; time.sleep(600)"],
    start_new_session=True,
    stdout=subprocess.DEVNULL,
)
for number in range(1, lines + 1):
    print(number)
    if number % 50 == 0:
        sys.stdout.flush()
        time.sleep(pause)
"""


class TickerRuntime(Runtime):
    """Yields deltas: `tick 10000 0.003` gives 10,000, and pauses 3 ms after each 50."""

    def __init__(self, context: HostContext) -> None:
        self._context = context

    def describe(self) -> RuntimeInfo:
        return RuntimeInfo("ticker", "Ticker")

    async def run(self, turn: Turn) -> AsyncIterator[Event]:
        _, lines, pause = turn.text.split()
        process = await self._context.processes.spawn(
            [sys.executable, "-c", CHILD, lines, pause],
            cwd=turn.cwd,
            environment=turn.environment,
            owner=turn.stream_id,
        )
        async for batch in process.batches():
            for line in batch:
                yield TextDelta(line.decode() + " ")


class Plugin:
    """Contributes the runtime."""

    @hookimpl
    def xo_runtimes(self, context: HostContext) -> Sequence[Runtime]:
        return [TickerRuntime(context)]


plugin = Plugin()
