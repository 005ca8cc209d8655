"""Stopping many processes at the same moment."""

import asyncio

from xo_cowork_core.services.processes.stop_batcher import BATCH_SECONDS, StopBatcher


class FakeProcess:
    def __init__(self) -> None:
        self.is_finished = False


def test_processes_stopped_at_the_same_moment_are_stopped_in_one_batch() -> None:
    calls: list[int] = []

    async def stop(processes: list[FakeProcess], grace: float) -> None:
        calls.append(len(processes))
        for process in processes:
            process.is_finished = True

    async def scenario() -> None:
        batcher = StopBatcher[FakeProcess](stop)
        processes = [FakeProcess() for _ in range(20)]
        await asyncio.gather(*(batcher.stop(process, 1.0) for process in processes))
        assert all(process.is_finished for process in processes)

    asyncio.run(scenario())
    assert calls == [20]


def test_the_others_are_stopped_when_the_first_caller_is_cancelled() -> None:
    async def stop(processes: list[FakeProcess], grace: float) -> None:
        await asyncio.sleep(BATCH_SECONDS)
        for process in processes:
            process.is_finished = True

    async def scenario() -> None:
        batcher = StopBatcher[FakeProcess](stop)
        first, second = FakeProcess(), FakeProcess()
        leader = asyncio.create_task(batcher.stop(first, 1.0))
        follower = asyncio.create_task(batcher.stop(second, 1.0))
        await asyncio.sleep(0)
        leader.cancel()
        await asyncio.wait_for(follower, 15)
        assert second.is_finished

    asyncio.run(scenario())
