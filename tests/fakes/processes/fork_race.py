"""Forks and exits as fast as it can. Argument: the folder."""

import os
import sys
import time
from pathlib import Path

if os.fork() == 0:
    os.setsid()
    Path(sys.argv[1], str(os.getpid())).touch()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if os.fork():
            os._exit(0)
time.sleep(60)
