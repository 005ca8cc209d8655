"""Reports the exit of a child on the event loop, without a thread and on any loop."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable

POLL_SECONDS = 0.05


def watch_exit(child: subprocess.Popen[bytes], on_exit: Callable[[], None]) -> None:
    """Call `on_exit` once, when the child is dead and reaped."""
    if sys.platform == "linux":
        _watch_pidfd(child, on_exit)
    else:
        _poll(child, on_exit)


def _watch_pidfd(child: subprocess.Popen[bytes], on_exit: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    pidfd = os.pidfd_open(child.pid)

    def on_readable() -> None:
        loop.remove_reader(pidfd)
        os.close(pidfd)
        child.wait()  # returns at once; reaps this child and no other
        on_exit()

    loop.add_reader(pidfd, on_readable)


def _poll(child: subprocess.Popen[bytes], on_exit: Callable[[], None]) -> None:
    if child.poll() is None:
        asyncio.get_running_loop().call_later(POLL_SECONDS, _poll, child, on_exit)
    else:
        on_exit()
