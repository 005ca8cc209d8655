"""Shared calls: few, and never begun before the request for their result."""

import asyncio
import threading

import pytest

from xo_cowork_core.sdk.kit import SingleFlight

LIMIT_SECONDS = 15.0
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Disk:
    """A slow source whose value changes; its reads wait for `may_return`."""

    def __init__(self) -> None:
        self.value = 0
        self.read_count = 0
        self.started_reads = threading.Semaphore(0)
        self.may_return = threading.Event()

    def read(self, key: str) -> tuple[str, int]:
        self.read_count += 1
        value = self.value
        self.started_reads.release()
        assert self.may_return.wait(LIMIT_SECONDS)
        if value < 0:
            raise OSError(key)
        return key, value


async def wait_for_read(disk: Disk) -> None:
    assert await asyncio.to_thread(disk.started_reads.acquire, timeout=LIMIT_SECONDS)


async def test_requests_during_a_call_share_the_next_call() -> None:
    disk = Disk()
    flight = SingleFlight(disk.read)
    early = asyncio.create_task(flight.of("a"))
    await wait_for_read(disk)
    disk.value = 1
    late = [asyncio.create_task(flight.of("a")) for _ in range(50)]
    await asyncio.sleep(0)
    disk.may_return.set()
    async with asyncio.timeout(LIMIT_SECONDS):
        assert await early == ("a", 0)
        assert await asyncio.gather(*late) == [("a", 1)] * 50
    assert disk.read_count == 2


async def test_calls_for_different_keys_run_in_parallel() -> None:
    disk = Disk()
    flight = SingleFlight(disk.read)
    tasks = [asyncio.create_task(flight.of(key)) for key in ("a", "b")]
    await wait_for_read(disk)
    await wait_for_read(disk)
    disk.may_return.set()
    async with asyncio.timeout(LIMIT_SECONDS):
        assert await asyncio.gather(*tasks) == [("a", 0), ("b", 0)]


async def test_a_cancelled_request_does_not_cancel_the_shared_call() -> None:
    disk = Disk()
    flight = SingleFlight(disk.read)
    cancelled, waiting = (asyncio.create_task(flight.of("a")) for _ in range(2))
    await wait_for_read(disk)
    cancelled.cancel()
    disk.may_return.set()
    async with asyncio.timeout(LIMIT_SECONDS):
        assert await waiting == ("a", 0)
        with pytest.raises(asyncio.CancelledError):
            await cancelled


async def test_a_failed_call_fails_each_request_and_the_next_call_may_succeed() -> None:
    disk = Disk()
    disk.value = -1
    disk.may_return.set()
    flight = SingleFlight(disk.read)
    async with asyncio.timeout(LIMIT_SECONDS):
        errors = await asyncio.gather(*(flight.of("a") for _ in range(3)), return_exceptions=True)
        assert [type(error) for error in errors] == [OSError] * 3
        disk.value = 5
        assert await flight.of("a") == ("a", 5)
