"""Runs the process that ends the agents when this server is killed. Linux only."""

import logging
import subprocess
import sys
from pathlib import Path

from xo_cowork_core.services.processes import watcher_program
from xo_cowork_core.services.processes.tags import ProcessTags

STOP_SECONDS = 1.0
STOPPED = b"\n"
log = logging.getLogger("xo_cowork.processes")


class ServerWatcher:
    """One watcher process, which waits for the end of this one.

    It has a session of its own: Ctrl-C in the server's terminal must not reach it. It carries no
    tag: it is started on the event loop, between the starts of supervised processes.
    """

    def __init__(self, state_dir: Path, tags: ProcessTags) -> None:
        # without site-packages: they are not needed, and take most of an interpreter's start
        self._command = [
            *(sys.executable, "-I", "-S", watcher_program.__file__),
            *(str(state_dir), tags.state, tags.server_id),
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self._is_failing = False

    def ensure_running(self) -> None:
        """Start the watcher when there is none. Blocks for about a millisecond then."""
        if sys.platform != "linux" or (self._process and self._process.poll() is None):
            return
        self._close_pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - no words from outside
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                cwd="/",
                env={},
                start_new_session=True,
            )
        except OSError as error:
            # the next start of the server ends what is left then
            if not self._is_failing:
                log.warning("processes will outlive a killed server: %s", error)
            self._is_failing = True
        else:
            self._is_failing = False

    def stop(self) -> None:
        """End the watcher: nothing is left that it should end. Blocks for at most 2 s."""
        process = self._process
        if process is None:
            return
        try:
            process.communicate(STOPPED, timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)
        self._close_pipe()

    def _close_pipe(self) -> None:
        if self._process and self._process.stdin:
            self._process.stdin.close()
        self._process = None
