"""Ignores SIGTERM and the end of its stdin, and so does its child. Argument: the folder."""

import signal
import subprocess
import sys
from pathlib import Path

signal.signal(signal.SIGTERM, signal.SIG_IGN)
sleeper = Path(__file__).with_name("sleeper.py")
subprocess.run([sys.executable, sleeper, sys.argv[1], "no-term"], check=False)
