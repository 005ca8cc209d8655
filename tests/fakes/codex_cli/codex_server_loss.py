"""A Codex app-server that ends after it got a request and before it answers."""

import os
import signal
import sys
from fcntl import ioctl
from pathlib import Path
from termios import FIONREAD

from xo_cowork_core.sdk.testing import Chat, StartedTurn, eventually

REQUEST_SECONDS = 10.0


def prompt_to_a_server_that_ends(chat: Chat, prompt: str, session_id: str) -> StartedTurn:
    """Send a prompt to the stopped app-server, and kill it once it has a request."""
    (server,) = (each for each in chat.server.descendants() if "app-server" in each.command)
    os.kill(server.pid, signal.SIGSTOP)
    turn = chat.prompt(prompt, session_id=session_id)
    eventually(lambda: _unread_bytes(server.pid) > 0, REQUEST_SECONDS, "a request was sent")
    os.kill(server.pid, signal.SIGKILL)
    return turn


def _unread_bytes(pid: int) -> int:
    """Return how many bytes of its standard input a process has not read."""
    with Path(f"/proc/{pid}/fd/0").open("rb") as pipe:
        return int.from_bytes(ioctl(pipe, FIONREAD, bytes(4)), sys.byteorder)
