"""JSON-RPC with one app-server: requests with time limits, and a post office for the rest.

Owns one task, the reader. It ends when the process's stdout does: the host ends the process at
the latest when the plugin stops.
"""

import asyncio
import itertools
import logging
from collections.abc import Mapping
from typing import Any

import orjson

from xo_cowork_core.sdk import AgentFailure, Process
from xo_runtime_codex.protocol.failures import process_failure
from xo_runtime_codex.server.subagents import NOTICES, Subagents
from xo_runtime_codex.server.thread_queue import Record, ThreadQueue

REQUEST_SECONDS = 20.0
EXIT_SECONDS = 1.0
ANSWERED = "serverRequest/resolved"


class Refused(Exception):
    """The server answered a request with an error; the message is its own."""


class JsonRpcClient:
    """One conversation with one server process."""

    def __init__(self, process: Process, log: logging.Logger) -> None:
        self.gone: AgentFailure | None = None
        self.subagents = Subagents()
        self._process = process
        self._log = log
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._inboxes: dict[str, ThreadQueue] = {}
        self._reader = asyncio.create_task(self._read(), name=f"codex server {process.pid}")

    async def request(
        self, method: str, params: Mapping[str, Any], *, timeout: float = REQUEST_SECONDS
    ) -> Mapping[str, Any]:
        """Ask and wait. Raises `Refused`, or `AgentFailure` `crashed` or `timeout`."""
        if self.gone:
            raise self.gone
        number = next(self._ids)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            async with asyncio.timeout(timeout):
                await self.send({"id": number, "method": method, "params": params})
                result = await answer
        except TimeoutError:
            raise AgentFailure(f"Codex did not answer to {method}", code="timeout") from None
        finally:
            self._waiting.pop(number, None)
        return result if isinstance(result, Mapping) else {}

    async def send(self, record: Mapping[str, Any]) -> None:
        """Write one record."""
        await self._process.write(orjson.dumps(record) + b"\n")

    async def reply(self, request: Record, result: Mapping[str, Any]) -> None:
        """Answer a request of the server. Its ids start at 0."""
        await self.send({"id": request["id"], "result": result})

    async def refuse(self, request: Record) -> None:
        """Tell the server that nobody here serves its request, so that it doesn't wait."""
        error = {"code": -32601, "message": "not supported by this client"}
        await self.send({"id": request["id"], "error": error})

    def open(self, thread_id: str) -> ThreadQueue:
        """Collect what is said about a thread from now on."""
        inbox = self._inboxes[thread_id] = ThreadQueue()
        if self.gone:
            inbox.end(self.gone)
        return inbox

    def close(self, thread_id: str, inbox: ThreadQueue) -> None:
        """Collect no more."""
        inbox.end()
        if self._inboxes.get(thread_id) is inbox:
            del self._inboxes[thread_id]

    async def _read(self) -> None:
        failure: AgentFailure | None = None
        try:
            async for lines in self._process.batches():
                await self._sort(lines)
        except AgentFailure as error:
            failure = error
        finally:
            # also when it stumbles itself: nobody may wait for a reader that is gone
            returncode = await self._process.wait(EXIT_SECONDS)
            self._lost(failure or process_failure(returncode, self._process.stderr_tail))

    def _lost(self, failure: AgentFailure) -> None:
        self.gone = failure
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(failure)
                # the one who asked may have given up
                answer.exception()
        for inbox in self._inboxes.values():
            inbox.end(failure)

    async def _sort(self, lines: list[bytes]) -> None:
        post: dict[ThreadQueue, list[Record]] = {}
        for line in lines:
            record = parse(line)
            if record is None:
                continue
            if "method" not in record:
                self._answered(record)
            elif inbox := self._inbox_of(record):
                post.setdefault(inbox, []).append(record)
            elif "id" in record:
                await self._decline(record)
        for inbox, batch in post.items():
            # it may be closed by now, and takes nothing then
            await inbox.put(batch)

    def _answered(self, record: Record) -> None:
        number = record.get("id")
        answer = self._waiting.get(number) if isinstance(number, int) else None
        if answer is None or answer.done():
            return
        error = record.get("error")
        if isinstance(error, Mapping):
            answer.set_exception(Refused(str(error.get("message"))))
        else:
            answer.set_result(record.get("result"))

    def _inbox_of(self, record: Record) -> ThreadQueue | None:
        """Find the turn that reads this; what subagents ask goes to the one of their root."""
        params = record.get("params")
        if not isinstance(params, Mapping):
            return None
        method, thread_id = str(record["method"]), str(params.get("threadId"))
        if method in NOTICES:
            self.subagents.note(method, params)
        if "id" in record or method == ANSWERED:
            thread_id = self.subagents.root(thread_id) or thread_id
        return self._inboxes.get(thread_id)

    async def _decline(self, record: Record) -> None:
        self._log.info("nobody answers %s of codex", record["method"])
        try:
            await self.refuse(record)
        except AgentFailure as error:
            self._log.info("codex did not hear it: %s", error)


def parse(line: bytes) -> dict[str, Any] | None:
    """Return a line's record; None for anything that isn't a JSON object."""
    try:
        record = orjson.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
