"""Forks and exits repeatedly, so that its pid changes all the time. Argument: the folder."""

import os
import sys
import time
from pathlib import Path

if os.fork() == 0:
    os.setsid()
    Path(sys.argv[1], str(os.getpid())).touch()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        time.sleep(0.002)
        if os.fork():
            os._exit(0)
time.sleep(60)
