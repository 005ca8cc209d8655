"""Requests in both directions over one process, and what waits when the process ends."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from xo_cowork_core.sdk import AgentFailure
from xo_cowork_core.sdk.kit import JsonRpcError, JsonRpcPeer

pytestmark = pytest.mark.anyio
LOG = logging.getLogger("test")
LIMIT_SECONDS = 15.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class PipedProcess:
    """A process's two pipes, played by the test."""

    def __init__(self) -> None:
        self.pid = 1
        self.stderr_tail = "out of memory"
        self.written: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._output: asyncio.Queue[list[bytes] | None] = asyncio.Queue()

    async def write(self, data: bytes, *, timeout: float = 30.0) -> None:
        self.written.put_nowait(json.loads(data))

    async def batches(self) -> AsyncIterator[list[bytes]]:
        while (lines := await self._output.get()) is not None:
            yield lines

    async def wait(self, timeout: float) -> int | None:
        return -9

    def prints(self, *messages: object) -> None:
        self._output.put_nowait(
            [m if isinstance(m, bytes) else json.dumps(m).encode() for m in messages]
        )

    def ends(self) -> None:
        self._output.put_nowait(None)


class Recorder:
    """Keeps what the peer passes on; refuses requests."""

    def __init__(self) -> None:
        self.batches: list[Sequence[Any]] = []
        self.failure: asyncio.Future[AgentFailure] = asyncio.get_running_loop().create_future()

    async def receive(self, peer: JsonRpcPeer, messages: Sequence[Any]) -> None:
        self.batches.append(messages)
        for message in messages:
            if message["method"] == "fail":
                raise ValueError(message)
            if message["method"] == "add":
                await peer.reply(message, {"sum": sum(message["params"]["numbers"])})
            elif "id" in message:
                await peer.refuse(message)

    def connection_lost(self, failure: AgentFailure) -> None:
        self.failure.set_result(failure)


@pytest.fixture
async def process() -> AsyncIterator[PipedProcess]:
    piped = PipedProcess()
    async with asyncio.timeout(LIMIT_SECONDS):
        yield piped
    piped.ends()


def connect(process: PipedProcess, **options: Any) -> tuple[JsonRpcPeer, Recorder]:
    recorder = Recorder()
    return JsonRpcPeer(process, recorder, title="Agent", log=LOG, **options), recorder


async def test_answers_find_their_requests_in_any_order(process: PipedProcess) -> None:
    peer, _ = connect(process)
    requests = [asyncio.create_task(peer.request("get", {"n": n})) for n in range(3)]
    sent = [await process.written.get() for _ in requests]
    assert all(message["jsonrpc"] == "2.0" for message in sent)
    process.prints(*({"id": m["id"], "result": m["params"]} for m in reversed(sent)))
    assert await asyncio.gather(*requests) == [{"n": n} for n in range(3)]


async def test_an_error_is_raised_with_its_code(process: PipedProcess) -> None:
    peer, _ = connect(process)
    request = asyncio.create_task(peer.request("get"))
    number = (await process.written.get())["id"]
    process.prints({"id": number, "error": {"code": -32602, "message": "no such thing"}})
    with pytest.raises(JsonRpcError, match="no such thing") as raised:
        await request
    assert raised.value.code == -32602


async def test_a_request_without_an_answer_ends_with_its_limit(process: PipedProcess) -> None:
    peer, _ = connect(process)
    with pytest.raises(AgentFailure) as raised:
        await peer.request("get", timeout=0.01)
    assert raised.value.code == "timeout"
    # its late answer is no answer to the next one
    process.prints({"id": 1, "result": {"late": True}})
    request = asyncio.create_task(peer.request("get"))
    await process.written.get()
    process.prints({"id": (await process.written.get())["id"], "result": {"late": False}})
    assert await request == {"late": False}


async def test_requests_of_the_other_side_are_answered_also_with_id_zero(
    process: PipedProcess,
) -> None:
    connect(process, version_field=False)
    process.prints({"id": 0, "method": "add", "params": {"numbers": [1, 2]}})
    assert await process.written.get() == {"id": 0, "result": {"sum": 3}}
    process.prints({"id": "a", "method": "unknown"})
    refusal = await process.written.get()
    assert (refusal["id"], refusal["error"]["code"]) == ("a", -32601)


async def test_notifications_of_one_batch_come_together_and_garbage_is_left_out(
    process: PipedProcess,
) -> None:
    peer, recorder = connect(process)
    process.prints({"method": "one"}, b"{garbage", b"[1]", {"id": 99}, {"method": "two"})
    await peer.notify("hello", {"to": "you"})
    assert (await process.written.get())["params"] == {"to": "you"}
    process.ends()
    await recorder.failure
    assert [[m["method"] for m in batch] for batch in recorder.batches] == [["one", "two"]]


async def test_a_process_that_ends_fails_what_waits_and_what_comes_later(
    process: PipedProcess,
) -> None:
    peer, recorder = connect(process)
    request = asyncio.create_task(peer.request("get"))
    await process.written.get()
    process.ends()
    with pytest.raises(AgentFailure, match=r"Agent was killed .*: out of memory") as raised:
        await request
    assert raised.value is peer.failure is await recorder.failure
    with pytest.raises(AgentFailure):
        await peer.request("get")


async def test_a_handler_that_fails_leaves_no_request_waiting(
    process: PipedProcess, caplog: pytest.LogCaptureFixture
) -> None:
    peer, recorder = connect(process)
    request = asyncio.create_task(peer.request("get"))
    await process.written.get()
    process.prints({"method": "fail"})
    with pytest.raises(AgentFailure) as raised:
        await request
    assert raised.value.code == "internal"
    assert (await recorder.failure).code == "internal"
    assert "ValueError" in caplog.text
