"""JSON-RPC over the stdio of a supervised process, one message a line."""

import asyncio
import itertools
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

import orjson

from xo_cowork_core.sdk.context import Process
from xo_cowork_core.sdk.errors import AgentFailure
from xo_cowork_core.sdk.events.base import Json, JsonValue
from xo_cowork_core.sdk.kit.process_failure import process_failure

REQUEST_SECONDS = 20.0
EXIT_SECONDS = 1.0
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
EMPTY: Json = {}
DescribeExit: TypeAlias = Callable[[int | None, str], AgentFailure]


class JsonRpcError(Exception):
    """The other side answered a request with an error, whose `code` and message are its own."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class JsonRpcHandler(Protocol):
    """Receives a peer's messages, except the responses to its own requests."""

    async def receive(self, peer: "JsonRpcPeer", messages: Sequence[Json]) -> None:
        """Handle the notifications and requests of one read, in order.

        A message with an `id` is a request and needs a `reply` or a `refuse`. Nothing more is
        read from the process until this returns, so a slow handler blocks the process; it must
        not wait for a request of its own.
        """
        ...

    def connection_lost(self, failure: AgentFailure) -> None:
        """Called once, after the last message: the process ended or broke the protocol."""
        ...


class JsonRpcPeer:
    """One conversation with one process.

    Owns one task, the reader, which ends when the process's stdout does; the host ends the
    process at the latest when the plugin stops. `title` names the agent in errors. `version_field`
    says whether messages carry `"jsonrpc": "2.0"`. `describe_exit` makes the error of a process
    that ended from its return code and the end of its stderr.
    """

    def __init__(
        self,
        process: Process,
        handler: JsonRpcHandler,
        *,
        title: str,
        log: logging.Logger,
        version_field: bool = True,
        describe_exit: DescribeExit | None = None,
    ) -> None:
        self._process = process
        self._handler = handler
        self._title = title
        self._log = log
        self._envelope: Json = {"jsonrpc": "2.0"} if version_field else EMPTY
        self._describe_exit = describe_exit
        self._failure: AgentFailure | None = None
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[JsonValue]] = {}
        self._reader = asyncio.create_task(self._read(), name=f"{title} reader {process.pid}")

    @property
    def failure(self) -> AgentFailure | None:
        """Why the process can no longer be reached; None while it can."""
        return self._failure

    async def request(
        self, method: str, params: Json = EMPTY, *, timeout: float = REQUEST_SECONDS
    ) -> Json:
        """Send a request and return its result, empty where that is no object.

        Raises `JsonRpcError`, or `AgentFailure` with code `timeout` after `timeout` seconds, or
        with code `crashed` when the process ends first.
        """
        if self._failure:
            raise self._failure
        number = next(self._ids)
        answer: asyncio.Future[JsonValue] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            async with asyncio.timeout(timeout):
                await self._send({"id": number, "method": method, "params": params})
                result = await answer
        except TimeoutError:
            text = f"{self._title} did not answer to {method} within {timeout:g} s"
            raise AgentFailure(text, code="timeout") from None
        finally:
            self._waiting.pop(number, None)
        return result if isinstance(result, Mapping) else EMPTY

    async def notify(self, method: str, params: Json | None = None) -> None:
        """Send a notification. Raises `AgentFailure` when the process is gone."""
        await self._send({"method": method, **({} if params is None else {"params": params})})

    async def reply(self, request: Json, result: Json) -> None:
        """Answer a request of the other side. Raises `AgentFailure` when the process is gone."""
        await self._send({"id": request["id"], "result": result})

    async def refuse(
        self, request: Json, message: str = "not supported", code: int = METHOD_NOT_FOUND
    ) -> None:
        """Answer a request of the other side with an error, so that it doesn't wait. Raises
        `AgentFailure` when the process is gone."""
        error: Json = {"code": code, "message": message}
        await self._send({"id": request["id"], "error": error})

    async def _send(self, message: Json) -> None:
        await self._process.write(orjson.dumps({**self._envelope, **message}) + b"\n")

    async def _read(self) -> None:
        failure: AgentFailure | None = None
        try:
            async for lines in self._process.batches():
                await self._dispatch(lines)
        except AgentFailure as error:
            failure = error
        except Exception:  # noqa: BLE001 - a fault of the handler must not leave requests waiting
            self._log.exception("the handler of %s's messages failed", self._title)
            failure = AgentFailure(f"Messages of {self._title} can't be read", code="internal")
        finally:
            # also when the reader is cancelled: no request may wait for it
            self._end(failure or await self._exit_failure())

    async def _exit_failure(self) -> AgentFailure:
        returncode = await self._process.wait(EXIT_SECONDS)
        if self._describe_exit:
            return self._describe_exit(returncode, self._process.stderr_tail)
        return process_failure(self._title, returncode, self._process.stderr_tail)

    def _end(self, failure: AgentFailure) -> None:
        self._failure = failure
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(failure)
                answer.exception()  # its request may have been cancelled
        self._handler.connection_lost(failure)

    async def _dispatch(self, lines: list[bytes]) -> None:
        messages: list[Json] = []
        for line in lines:
            message = parse_message(line)
            if message is None:
                continue
            if "method" in message:
                messages.append(message)
            else:
                self._settle(message)
        if messages:
            await self._handler.receive(self, messages)

    def _settle(self, message: Json) -> None:
        number = message.get("id")
        answer = self._waiting.get(number) if isinstance(number, int) else None
        if answer is None or answer.done():
            return
        error = message.get("error")
        if isinstance(error, Mapping):
            code = error.get("code")
            code = code if isinstance(code, int) else 0
            answer.set_exception(JsonRpcError(code, str(error.get("message"))))
        else:
            answer.set_result(message.get("result"))


def parse_message(line: bytes) -> Json | None:
    """Return a line's JSON object; None for anything else."""
    try:
        message: JsonValue = orjson.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, Mapping) else None
