"""Starts a child in a session of its own and waits for it. Argument: the folder."""

import subprocess
import sys
from pathlib import Path

sleeper = Path(__file__).with_name("sleeper.py")
subprocess.run([sys.executable, sleeper, sys.argv[1]], start_new_session=True, check=False)
