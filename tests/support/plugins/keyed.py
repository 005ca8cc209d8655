"""A runtime whose agent prints the names of its environment variables and digests of the values."""

import sys
from collections.abc import AsyncIterator, Sequence

from xo_cowork_core.sdk import (
    Event,
    HostContext,
    Runtime,
    RuntimeInfo,
    SecretField,
    TextDelta,
    Turn,
    hookimpl,
)

CHILD = """
import hashlib, os
for key in sorted(os.environ):
    print(key, hashlib.sha256(os.environ[key].encode()).hexdigest()[:16])
"""


class KeyedRuntime(Runtime):
    def __init__(self, context: HostContext) -> None:
        self._context = context

    def describe(self) -> RuntimeInfo:
        return RuntimeInfo("keyed", "Keyed")

    async def run(self, turn: Turn) -> AsyncIterator[Event]:
        process = await self._context.processes.spawn(
            [sys.executable, "-c", CHILD],
            cwd=turn.cwd,
            environment=turn.environment,
            owner=turn.stream_id,
        )
        async for batch in process.batches():
            for line in batch:
                yield TextDelta(line.decode() + "\n")


class Plugin:
    @hookimpl
    def xo_secrets(self) -> Sequence[SecretField]:
        return [SecretField("KEYED_KEY", "Key", required=True)]

    @hookimpl
    def xo_runtimes(self, context: HostContext) -> Sequence[Runtime]:
        return [KeyedRuntime(context)]


plugin = Plugin()
