"""Leaves a daemon behind by a double fork. Arguments: the folder, then any of `stay` (the program
continues to run), `bare` (the daemon gets an empty environment)."""

import os
import sys
import time
from pathlib import Path

sleeper = str(Path(__file__).with_name("sleeper.py"))
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        quiet = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(quiet, number)
        environment = {} if "bare" in sys.argv else dict(os.environ)
        os.execve(sys.executable, [sys.executable, sleeper, sys.argv[1]], environment)
    os._exit(0)
os.wait()
print("left a daemon", flush=True)
while "stay" in sys.argv:
    time.sleep(60)
