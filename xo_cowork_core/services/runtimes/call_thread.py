"""A thread in which plugins are called, so that a call that hangs does not hang the host.

It runs one call at a time. When a call exceeds its limit the thread is abandoned: SystemExit is
raised in it, which ends a loop of Python code; one that waits in C stays as a daemon thread. The
next call gets a new thread, unless too many are stuck.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

MAX_ABANDONED = 4
T = TypeVar("T")
Job = tuple[Callable[[], Any], Future[Any]]
log = logging.getLogger("xo_cowork.host")


class HangingCallError(Exception):
    """A call exceeded its limit and goes on in its abandoned thread, or so did too many before."""


class CallThread:
    """Runs calls in a daemon thread, which starts with the first call. Safe in every thread.

    No call is run while `max_abandoned` threads of earlier ones are stuck; None is for any number.
    """

    def __init__(self, name: str, *, max_abandoned: int | None = MAX_ABANDONED) -> None:
        self._name = name
        self._max_abandoned = max_abandoned
        self._thread: Thread | None = None
        self._abandoned: list[Thread] = []
        self._jobs = SimpleQueue[Job | None]()
        self._lock = Lock()

    def run(self, call: Callable[[], T], seconds: float) -> T:
        """Run a call and return its result. Blocks.

        Raises what it raises, HangingCallError after `seconds`.
        """
        future, thread = self._submit(call)
        try:
            return future.result(seconds)
        except TimeoutError:
            if future.done():
                raise
            self._abandon(thread)
            raise HangingCallError from None

    async def run_async(self, call: Callable[[], T], seconds: float) -> T:
        """Run a call and return its result, as `run` does, without blocking."""
        submitted, thread = self._submit(call)
        future = asyncio.wrap_future(submitted)
        await asyncio.wait({future}, timeout=seconds)
        if not future.done():
            self._abandon(thread)
            raise HangingCallError
        return future.result()

    def close(self) -> None:
        """End the thread after its present calls."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        self._jobs.put(None)
        self._thread = None
        self._jobs = SimpleQueue[Job | None]()

    def _submit(self, call: Callable[[], T]) -> tuple[Future[T], Thread]:
        future = Future[T]()
        with self._lock:
            self._abandoned = [thread for thread in self._abandoned if thread.is_alive()]
            if self._max_abandoned is not None and len(self._abandoned) >= self._max_abandoned:
                raise HangingCallError
            if self._thread is None:
                self._thread = Thread(
                    target=_work, args=(self._jobs,), name=self._name, daemon=True
                )
                self._thread.start()
            self._jobs.put((call, future))
            return future, self._thread

    def _abandon(self, thread: Thread) -> None:
        with self._lock:
            if thread in self._abandoned:
                # by a call before this one
                return
            self._abandoned.append(thread)
            if thread is self._thread:
                self._close()
        if thread.ident:
            _raise_in(thread.ident)


def _work(jobs: SimpleQueue[Job | None]) -> None:
    while job := jobs.get():
        call, future = job
        try:
            future.set_result(call())
        except KeyboardInterrupt as error:
            # the plugin's own: a person's is raised in the main thread
            future.set_exception(RuntimeError(f"{type(error).__name__} was raised"))
        except BaseException as error:  # noqa: BLE001 - SystemExit too: the caller records it
            future.set_exception(error)


def _raise_in(thread_id: int) -> None:
    """Raise SystemExit in a thread, when it next runs Python code."""
    import ctypes  # noqa: PLC0415 - needed only when a plugin hangs

    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread_id), ctypes.py_object(SystemExit)
    )
