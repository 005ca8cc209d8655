"""Calls of plugins in a thread: those that hang cost only their callers."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from xo_cowork_core.services.runtimes.call_thread import (
    MAX_ABANDONED,
    CallThread,
    HangingCallError,
)

PLENTY_SECONDS = 30.0
# for a call that never ends
LIMIT_SECONDS = 0.05


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def hang(thread: CallThread, gate: threading.Event) -> None:
    with pytest.raises(HangingCallError):
        thread.run(gate.wait, LIMIT_SECONDS)


def test_a_call_after_one_that_hangs_gets_another_thread(gate: threading.Event) -> None:
    thread = CallThread("test")
    hang(thread, gate)
    assert thread.run(threading.current_thread, PLENTY_SECONDS).is_alive()


def test_after_too_many_that_hang_none_is_run_until_one_ends(gate: threading.Event) -> None:
    thread = CallThread("test")
    for _ in range(MAX_ABANDONED):
        hang(thread, gate)
    ran = threading.Event()
    with pytest.raises(HangingCallError):
        thread.run(ran.set, PLENTY_SECONDS)
    assert not ran.is_set()
    gate.set()
    for stuck in thread._abandoned:
        stuck.join(PLENTY_SECONDS)
    thread.run(ran.set, PLENTY_SECONDS)
    assert ran.is_set()


def test_calls_that_wait_behind_one_that_hangs_abandon_no_other_thread(
    gate: threading.Event,
) -> None:
    async def run_all() -> object:
        thread = CallThread("test")
        hanging = [asyncio.create_task(thread.run_async(gate.wait, LIMIT_SECONDS))]
        await asyncio.sleep(LIMIT_SECONDS / 2)
        hanging.append(asyncio.create_task(thread.run_async(int, LIMIT_SECONDS)))
        with pytest.raises(HangingCallError):
            await hanging[0]
        # the second ends while this one runs, in a thread of its own
        slow = asyncio.create_task(thread.run_async(lambda: work(hanging[1]), PLENTY_SECONDS))
        with pytest.raises(HangingCallError):
            await hanging[1]
        return await slow

    assert asyncio.run(run_all()) == "whole"


def work(other: "asyncio.Task[int]") -> str:
    while not other.done():
        threading.Event().wait(0.01)
    # an exception that is raised in this thread comes while it runs Python code
    for _ in range(1000):
        pass
    return "whole"
