"""The standard streams of a supervised process: pipes, or one terminal."""

import fcntl
import os
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Sequence

from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_cowork_core.services.processes.pipes import Input, Lines, Tail

CAPTURE_BYTES = 256 * 1024
# wide, so that no program breaks a URL into lines
TERMINAL_SIZE = struct.pack("HHHH", 50, 2000, 0, 0)
# a new session has no controlling terminal, and programs read passwords from that
LAUNCHER = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execvp(sys.argv[1], sys.argv[1:])"
)


@frozen_dataclass
class ProcessStreams:
    """The streams of one process. `output` is a `Tail` where the output is captured."""

    input: Input
    output: Lines | Tail
    errors: Tail | None

    def finish(self) -> None:
        """Read what the dead process left, and close all."""
        if self.errors is not None:
            self.errors.finish()
        self.output.finish()
        self.input.close()


def piped_streams(child: subprocess.Popen[bytes]) -> ProcessStreams:
    """Return the streams of a process whose output is read in lines."""
    assert child.stdin and child.stdout and child.stderr
    return ProcessStreams(Input(child.stdin), Lines(child.stdout), Tail(child.stderr))


def captured_streams(
    child: subprocess.Popen[bytes], on_output: Callable[[], None]
) -> ProcessStreams:
    """Return the streams of a process whose last output is kept; `on_output` is called for more."""
    assert child.stdin and child.stdout and child.stderr
    return ProcessStreams(
        Input(child.stdin),
        Tail(child.stdout, keep_bytes=CAPTURE_BYTES, on_data=on_output),
        Tail(child.stderr, keep_bytes=CAPTURE_BYTES, on_data=on_output),
    )


class Terminal:
    """A pseudo-terminal for one process. It does not echo what is written to it."""

    def __init__(self) -> None:
        self._host, self.child_end = os.openpty()
        fcntl.ioctl(self.child_end, termios.TIOCSWINSZ, TERMINAL_SIZE)
        attributes = termios.tcgetattr(self.child_end)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(self.child_end, termios.TCSANOW, attributes)

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return the command line of a program that has this terminal."""
        return [sys.executable, "-I", "-S", "-c", LAUNCHER, *argv]

    def close_child_end(self) -> None:
        """Close the end that the process has now, or never will have."""
        os.close(self.child_end)

    def close(self) -> None:
        """Close the other end, when no process was started."""
        os.close(self._host)

    def streams(self, on_output: Callable[[], None]) -> ProcessStreams:
        """Return the streams, which own the terminal from now on."""
        writer = os.fdopen(os.dup(self._host), "wb", buffering=0)
        reader = os.fdopen(self._host, "rb", buffering=0)
        output = Tail(reader, keep_bytes=CAPTURE_BYTES, on_data=on_output)
        return ProcessStreams(Input(writer), output, None)
