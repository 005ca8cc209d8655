"""The port on which every `rclone authorize` listens: tests of several processes take turns.

The system may give the port to any connection, and rclone can't listen on it as long as one has
it, or had it in the last minute. A test run therefore reserves it first.
"""

import fcntl
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RCLONE_PORT = 53682
WAIT_SECONDS = 90.0
PAUSE_SECONDS = 0.02


def reserve_rclone_port() -> socket.socket | None:
    """Return a bound socket, or None while the port is in use.

    The socket does not listen. As long as it is open, the system gives the port to no connection;
    a program that asks for the port can listen on it.
    """
    reservation = socket.socket()
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        reservation.bind(("127.0.0.1", RCLONE_PORT))
    except OSError:
        reservation.close()
        return None
    return reservation


@contextmanager
def rclone_port() -> Iterator[int]:
    """Hold the port inside the block. Raises AssertionError after 90 s."""
    path = Path(tempfile.gettempdir(), f"xo-rclone-port-{os.getuid()}.lock")
    deadline = time.monotonic() + WAIT_SECONDS
    with path.open("w") as lock:
        while not _is_locked(lock.fileno()):
            assert time.monotonic() < deadline, "other tests hold the port of rclone authorize"
            time.sleep(PAUSE_SECONDS)
        while (reservation := reserve_rclone_port()) is None:
            assert time.monotonic() < deadline, "another program uses the port of rclone authorize"
            time.sleep(PAUSE_SECONDS)
        with reservation:
            yield RCLONE_PORT


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
