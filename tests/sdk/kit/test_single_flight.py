"""Looks that are shared: few, and never older than the question."""

import asyncio
import threading

import pytest

from xo_cowork_core.sdk.kit import SingleFlight

LIMIT_SECONDS = 5.0
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Disk:
    """Something that changes, and can only be looked at slowly."""

    def __init__(self) -> None:
        self.value = 0
        self.looks = 0
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Event()

    def look(self, key: str) -> tuple[str, int]:
        self.looks += 1
        seen = self.value
        self.begun.release()
        assert self.go_on.wait(LIMIT_SECONDS)
        if seen < 0:
            raise OSError(key)
        return key, seen


async def begun(disk: Disk) -> None:
    assert await asyncio.to_thread(disk.begun.acquire, timeout=LIMIT_SECONDS)


async def test_who_asks_while_a_look_runs_gets_the_next_one() -> None:
    disk = Disk()
    looks = SingleFlight(disk.look)
    early = asyncio.create_task(looks.of("a"))
    await begun(disk)
    disk.value = 1
    late = [asyncio.create_task(looks.of("a")) for _ in range(50)]
    await asyncio.sleep(0)
    disk.go_on.set()
    async with asyncio.timeout(LIMIT_SECONDS):
        assert await early == ("a", 0)
        assert await asyncio.gather(*late) == [("a", 1)] * 50
    assert disk.looks == 2


async def test_looks_at_different_things_do_not_wait_for_each_other() -> None:
    disk = Disk()
    looks = SingleFlight(disk.look)
    both = [asyncio.create_task(looks.of(key)) for key in ("a", "b")]
    await begun(disk)
    await begun(disk)
    disk.go_on.set()
    async with asyncio.timeout(LIMIT_SECONDS):
        assert await asyncio.gather(*both) == [("a", 0), ("b", 0)]


async def test_one_who_leaves_does_not_take_the_look_from_the_others() -> None:
    disk = Disk()
    looks = SingleFlight(disk.look)
    leaves, stays = (asyncio.create_task(looks.of("a")) for _ in range(2))
    await begun(disk)
    leaves.cancel()
    disk.go_on.set()
    async with asyncio.timeout(LIMIT_SECONDS):
        assert await stays == ("a", 0)
        with pytest.raises(asyncio.CancelledError):
            await leaves


async def test_each_who_asked_hears_that_a_look_failed_and_the_next_may_succeed() -> None:
    disk = Disk()
    disk.value = -1
    disk.go_on.set()
    looks = SingleFlight(disk.look)
    async with asyncio.timeout(LIMIT_SECONDS):
        told = await asyncio.gather(*(looks.of("a") for _ in range(3)), return_exceptions=True)
        assert [type(each) for each in told] == [OSError] * 3
        disk.value = 5
        assert await looks.of("a") == ("a", 5)
