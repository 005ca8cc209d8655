"""JSON-RPC with one app-server: requests with time limits, notifications queued by thread.

Owns one task, the reader. It ends with the process's stdout; the host ends the process when the
plugin stops, at the latest.
"""

import asyncio
import itertools
import logging
from collections.abc import Mapping
from typing import Any

import orjson

from xo_cowork_core.sdk import AgentFailure, Process
from xo_runtime_codex.protocol.failures import process_failure
from xo_runtime_codex.server.subagents import SUBAGENT_NOTIFICATIONS, SubagentTracker
from xo_runtime_codex.server.thread_queue import Record, ThreadQueue

REQUEST_SECONDS = 20.0
EXIT_SECONDS = 1.0
RESOLVED = "serverRequest/resolved"


class JsonRpcError(Exception):
    """The server answered a request with an error; the message is the server's."""


class JsonRpcClient:
    """Client of one app-server process. `failure` is set once the process has ended."""

    def __init__(self, process: Process, log: logging.Logger) -> None:
        self.failure: AgentFailure | None = None
        self.subagents = SubagentTracker()
        self._process = process
        self._log = log
        self._ids = itertools.count(1)
        self._pending: dict[int, asyncio.Future[Any]] = {}
        self._queues: dict[str, ThreadQueue] = {}
        self._reader = asyncio.create_task(self._read(), name=f"codex server {process.pid}")

    async def request(
        self, method: str, params: Mapping[str, Any], *, timeout: float = REQUEST_SECONDS
    ) -> Mapping[str, Any]:
        """Send a request and return its result.

        Raises `JsonRpcError`, or `AgentFailure` with code `crashed` or `timeout`.
        """
        if self.failure:
            raise self.failure
        request_id = next(self._ids)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pending[request_id] = future
        try:
            async with asyncio.timeout(timeout):
                await self.send({"id": request_id, "method": method, "params": params})
                result = await future
        except TimeoutError:
            raise AgentFailure(
                f"Codex did not answer {method} within {timeout:g} s", code="timeout"
            ) from None
        finally:
            self._pending.pop(request_id, None)
        return result if isinstance(result, Mapping) else {}

    async def send(self, record: Mapping[str, Any]) -> None:
        """Write one record."""
        await self._process.write(orjson.dumps(record) + b"\n")

    async def reply(self, request: Record, result: Mapping[str, Any]) -> None:
        """Answer a request of the server. Request ids start at 0."""
        await self.send({"id": request["id"], "result": result})

    async def refuse(self, request: Record) -> None:
        """Answer a request with the error 'method not found', so that the server stops waiting."""
        error = {"code": -32601, "message": "not supported by this client"}
        await self.send({"id": request["id"], "error": error})

    def open(self, thread_id: str) -> ThreadQueue:
        """Queue the records of a thread from now on."""
        queue = self._queues[thread_id] = ThreadQueue()
        if self.failure:
            queue.end(self.failure)
        return queue

    def close(self, thread_id: str, queue: ThreadQueue) -> None:
        """Stop queueing the records of a thread."""
        queue.end()
        if self._queues.get(thread_id) is queue:
            del self._queues[thread_id]

    async def _read(self) -> None:
        failure: AgentFailure | None = None
        try:
            async for lines in self._process.batches():
                await self._dispatch(lines)
        except AgentFailure as error:
            failure = error
        finally:
            # also when it stumbles itself: nobody may wait for a reader that is failure
            returncode = await self._process.wait(EXIT_SECONDS)
            self._fail(failure or process_failure(returncode, self._process.stderr_tail))

    def _fail(self, failure: AgentFailure) -> None:
        self.failure = failure
        for future in self._pending.values():
            if not future.done():
                future.set_exception(failure)
                # mark it as retrieved: the caller may have been cancelled
                future.exception()
        for queue in self._queues.values():
            queue.end(failure)

    async def _dispatch(self, lines: list[bytes]) -> None:
        batches: dict[ThreadQueue, list[Record]] = {}
        for line in lines:
            record = parse(line)
            if record is None:
                continue
            if "method" not in record:
                self._settle(record)
            elif queue := self._queue_for(record):
                batches.setdefault(queue, []).append(record)
            elif "id" in record:
                await self._decline_unclaimed(record)
        for queue, batch in batches.items():
            # a queue that was closed meanwhile drops the batch
            await queue.put(batch)

    def _settle(self, record: Record) -> None:
        request_id = record.get("id")
        future = self._pending.get(request_id) if isinstance(request_id, int) else None
        if future is None or future.done():
            return
        error = record.get("error")
        if isinstance(error, Mapping):
            future.set_exception(JsonRpcError(str(error.get("message"))))
        else:
            future.set_result(record.get("result"))

    def _queue_for(self, record: Record) -> ThreadQueue | None:
        """Return the queue of a record's thread; a subagent's requests go to its root thread."""
        params = record.get("params")
        if not isinstance(params, Mapping):
            return None
        method, thread_id = str(record["method"]), str(params.get("threadId"))
        if method in SUBAGENT_NOTIFICATIONS:
            self.subagents.record(method, params)
        if "id" in record or method == RESOLVED:
            thread_id = self.subagents.root(thread_id) or thread_id
        return self._queues.get(thread_id)

    async def _decline_unclaimed(self, record: Record) -> None:
        self._log.info("Codex request %s declined: no turn runs on its thread", record["method"])
        try:
            await self.refuse(record)
        except AgentFailure as error:
            self._log.info("the decline did not reach Codex: %s", error)


def parse(line: bytes) -> dict[str, Any] | None:
    """Return a line's record; None when the line is not a JSON object."""
    try:
        record = orjson.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
