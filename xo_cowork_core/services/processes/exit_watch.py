"""Hear of a child's exit on the event loop, without a thread and whatever the loop is."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable

POLL_SECONDS = 0.05


def watch_exit(child: subprocess.Popen[bytes], ended: Callable[[], None]) -> None:
    """Call `ended` once, when the child is dead and reaped."""
    if sys.platform == "linux":
        _watch_handle(child, ended)
    else:
        _poll(child, ended)


def _watch_handle(child: subprocess.Popen[bytes], ended: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    handle = os.pidfd_open(child.pid)

    def ready() -> None:
        loop.remove_reader(handle)
        os.close(handle)
        child.wait()  # returns at once; reaps this child and no other
        ended()

    loop.add_reader(handle, ready)


def _poll(child: subprocess.Popen[bytes], ended: Callable[[], None]) -> None:
    if child.poll() is None:
        asyncio.get_running_loop().call_later(POLL_SECONDS, _poll, child, ended)
    else:
        ended()
