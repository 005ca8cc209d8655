"""The program of the process that outlives a killed server, for as long as it ends the agents.

Its standard input is a pipe from the server. A byte says that the server has stopped and left
nothing running; an end of file without one says that the server was killed. Arguments: the state
folder, its hash in the tags, the server's id.

It runs without site-packages and imports nothing of this package before it has work to do: until
then it is a bare interpreter.
"""

import os
import signal
import sys
import time
from pathlib import Path

TERM_SECONDS = 0.5
KILL_SECONDS = 10.0
POLL_SECONDS = 0.02
ROOT = Path(__file__).resolve().parents[3]


def main() -> None:
    """Wait for the end of the server, and end what a killed one left running."""
    # a terminal or a service manager signals this process together with the server
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if not os.read(sys.stdin.fileno(), 1):
        state_dir, state, server_id = sys.argv[1:]
        sys.path.insert(0, str(ROOT))
        end_processes(Path(state_dir), state, server_id)


def end_processes(state_dir: Path, state: str, server_id: str) -> None:
    """Send SIGTERM to what a server started, so that agents write their last rows, then SIGKILL."""
    from xo_cowork_core.services.processes.ledger import Ledger  # noqa: PLC0415  # see the module
    from xo_cowork_core.services.processes.process_tree import LinuxProcessTree  # noqa: PLC0415
    from xo_cowork_core.services.processes.selectors import ServerSelector  # noqa: PLC0415

    tree = LinuxProcessTree()
    selector = ServerSelector(state, server_id, Ledger(state_dir, server_id).read())
    tree.signal(selector, signal.SIGTERM)
    deadline = time.monotonic() + TERM_SECONDS
    while tree.find(selector) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    tree.kill(selector, frozenset(), KILL_SECONDS)


if __name__ == "__main__":
    main()
