"""The pool keeps the processes that were used last, and none that died."""

import asyncio
from pathlib import Path
from typing import cast

import pytest

from xo_cowork_core.sdk import Process
from xo_runtime_claude.process.arguments import ProcessBinding
from xo_runtime_claude.process.process_pool import ProcessPool
from xo_runtime_claude.process.warm_process import WarmProcess

pytestmark = pytest.mark.anyio
BINDING = ProcessBinding(Path("/"), "", "")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class FakeProcess:
    """A process that can die and be stopped."""

    def __init__(self) -> None:
        self.returncode: int | None = None
        self.stopped = asyncio.Event()

    def batches(self) -> None: ...

    async def stop(self, *, term_after: float, kill_after: float) -> None:
        self.returncode = 0
        self.stopped.set()


def idle(pool: ProcessPool, session_id: str) -> FakeProcess:
    process = FakeProcess()
    pool.put(WarmProcess(cast("Process", process), session_id, BINDING, 0))
    return process


async def test_the_least_recently_used_process_is_ended_beyond_the_limit() -> None:
    pool = ProcessPool(limit=1, idle_seconds=60)
    first, second = idle(pool, "first"), idle(pool, "second")
    async with asyncio.timeout(5):
        await first.stopped.wait()
    assert not second.stopped.is_set()
    assert await pool.take("first", BINDING) is None
    assert await pool.take("second", BINDING)


async def test_a_dead_process_is_forgotten_and_costs_no_live_one_its_place() -> None:
    pool = ProcessPool(limit=2, idle_seconds=60)
    alive, dead = idle(pool, "alive"), idle(pool, "dead")
    dead.returncode = -9
    idle(pool, "new")
    assert len(pool) == 2
    async with asyncio.timeout(5):
        await dead.stopped.wait()  # what it had started may still run
    assert not alive.stopped.is_set()
    assert await pool.take("dead", BINDING) is None


async def test_an_idle_process_is_ended_when_its_time_is_up() -> None:
    pool = ProcessPool(limit=1, idle_seconds=0)
    process = idle(pool, "session")
    async with asyncio.timeout(5):
        await process.stopped.wait()
    assert len(pool) == 0


async def test_a_process_with_another_binding_is_ended_first() -> None:
    pool = ProcessPool(limit=1, idle_seconds=60)
    process = idle(pool, "session")
    other = ProcessBinding(Path("/"), "high", "")
    assert await pool.take("session", other) is None
    assert process.stopped.is_set()
