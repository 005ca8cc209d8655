"""Programs that run one turn each and speak JSON lines: one object a line, in and out."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import orjson

from xo_cowork_core.sdk.context import HostContext, Process
from xo_cowork_core.sdk.events.base import Json
from xo_cowork_core.sdk.kit.json_rpc import parse_message
from xo_cowork_core.sdk.kit.process_failure import process_failure
from xo_cowork_core.sdk.runtime.turn import Turn

EXIT_SECONDS = 5.0


class JsonLinesAgents:
    """The processes of a runtime's running turns. `title` names the agent in errors."""

    def __init__(self, context: HostContext, *, title: str) -> None:
        self._context = context
        self._title = title
        self._running: dict[str, JsonLinesProcess] = {}

    @asynccontextmanager
    async def start(
        self, turn: Turn, argv: Sequence[str | Path]
    ) -> AsyncGenerator["JsonLinesProcess", None]:
        """Run the program `argv` for this turn inside the block."""
        async with JsonLinesProcess(self._context, turn, argv, title=self._title) as process:
            self._running[turn.stream_id] = process
            try:
                yield process
            finally:
                del self._running[turn.stream_id]

    async def send(self, turn: Turn, message: Json) -> None:
        """Write one object to the process of a turn; do nothing when it has none."""
        process = self._running.get(turn.stream_id)
        if process:
            await process.send(message)


class JsonLinesProcess:
    """The process of one turn, to use as `async with JsonLinesProcess(context, turn, argv, …)`.

    It starts in the turn's folder with the turn's environment, and is ended with all its
    descendants when the block is left. Iterating gives the objects that it prints until it ends; a
    line that is no object is logged and skipped. Raises `AgentFailure` with the code `crashed` when
    the program ends with another exit code than 0. `title` names it in errors.
    """

    def __init__(
        self, context: HostContext, turn: Turn, argv: Sequence[str | Path], *, title: str
    ) -> None:
        self._context = context
        self._turn = turn
        self._argv = [str(argument) for argument in argv]
        self._title = title
        self._started: Process | None = None

    async def __aenter__(self) -> "JsonLinesProcess":
        self._started = await self._context.processes.spawn(
            self._argv,
            cwd=self._turn.cwd,
            environment=self._turn.environment,
            owner=self._turn.stream_id,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._process.stop(kill_after=1.0)

    async def send(self, message: Json) -> None:
        """Write one object. Raises `AgentFailure` when the program has ended."""
        await self._process.write(orjson.dumps(message) + b"\n")

    async def __aiter__(self) -> AsyncIterator[Json]:
        async for batch in self._process.batches():
            for line in batch:
                message = parse_message(line)
                if message is None:
                    self._log.warning("a line of %s is no JSON object", self._title)
                else:
                    yield message
        returncode = await self._process.wait(EXIT_SECONDS)
        if returncode:
            raise process_failure(self._title, returncode, self._process.stderr_tail)

    @property
    def _process(self) -> Process:
        assert self._started, "the process runs only inside `async with`"
        return self._started

    @property
    def _log(self) -> logging.Logger:
        return self._context.log
