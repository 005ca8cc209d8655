"""A runtime without secrets whose agent prints its whole environment, and waits when asked to."""

import sys
from collections.abc import AsyncIterator, Sequence

from xo_cowork_core.sdk import Event, HostContext, Runtime, RuntimeInfo, TextDelta, Turn, hookimpl

CHILD = """
import os, sys, time
for entry in sorted(os.environ.items()):
    print(*entry, flush=True)
time.sleep(float(sys.argv[1]))
"""


class NeighbourRuntime(Runtime):
    def __init__(self, context: HostContext) -> None:
        self._context = context

    def describe(self) -> RuntimeInfo:
        return RuntimeInfo("neighbour", "Neighbour")

    async def run(self, turn: Turn) -> AsyncIterator[Event]:
        seconds = "60" if "wait" in turn.text else "0"
        process = await self._context.processes.spawn(
            [sys.executable, "-c", CHILD, seconds],
            cwd=turn.cwd,
            environment=turn.environment,
            owner=turn.stream_id,
        )
        async for batch in process.batches():
            for line in batch:
                yield TextDelta(line.decode() + "\n")


class Plugin:
    @hookimpl
    def xo_runtimes(self, context: HostContext) -> Sequence[Runtime]:
        return [NeighbourRuntime(context)]


plugin = Plugin()
