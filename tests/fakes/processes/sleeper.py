"""Says that it lives, by a file named after its pid, and stays. Argument: the folder."""

import os
import signal
import sys
from pathlib import Path

if "no-term" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
Path(sys.argv[1], str(os.getpid())).touch()
while True:
    signal.pause()
