"""Answers SIGTERM by two copies of itself in new sessions, eight times deep at most. Arguments:
the folder, how deep it is."""

import os
import signal
import subprocess
import sys
from pathlib import Path

DEPTH = int(sys.argv[2]) if len(sys.argv) > 2 else 0


def multiply(*_: object) -> None:
    for _copy in range(2 if DEPTH < 8 else 0):
        subprocess.Popen(
            [sys.executable, __file__, sys.argv[1], str(DEPTH + 1)], start_new_session=True
        )


signal.signal(signal.SIGTERM, multiply)
Path(sys.argv[1], str(os.getpid())).touch()
while True:
    signal.pause()
