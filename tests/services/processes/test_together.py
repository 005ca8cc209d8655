"""Many processes that end at once."""

import asyncio

from xo_cowork_core.services.processes.stop_batcher import GATHER_SECONDS, StopBatcher


class Thing:
    def __init__(self) -> None:
        self.cleared = False


def test_those_that_end_at_once_are_ended_in_one_go() -> None:
    calls: list[int] = []

    async def end(things: list[Thing], grace: float) -> None:
        calls.append(len(things))
        for thing in things:
            thing.cleared = True

    async def scenario() -> None:
        endings = StopBatcher[Thing](end)
        things = [Thing() for _ in range(20)]
        await asyncio.gather(*(endings.end(thing, 1.0) for thing in things))
        assert all(thing.cleared for thing in things)

    asyncio.run(scenario())
    assert calls == [20]


def test_the_others_are_ended_when_the_first_is_cancelled() -> None:
    async def end(things: list[Thing], grace: float) -> None:
        await asyncio.sleep(GATHER_SECONDS)
        for thing in things:
            thing.cleared = True

    async def scenario() -> None:
        endings = StopBatcher[Thing](end)
        first, second = Thing(), Thing()
        leader = asyncio.create_task(endings.end(first, 1.0))
        follower = asyncio.create_task(endings.end(second, 1.0))
        await asyncio.sleep(0)
        leader.cancel()
        await asyncio.wait_for(follower, 5)
        assert second.cleared

    asyncio.run(scenario())
