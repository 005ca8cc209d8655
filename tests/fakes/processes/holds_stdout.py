"""Prints a complete and a partial line and exits, while a child keeps stdout open. Argument: the
folder."""

import subprocess
import sys
from pathlib import Path

sleeper = Path(__file__).with_name("sleeper.py")
subprocess.Popen([sys.executable, sleeper, sys.argv[1]])
sys.stdout.write("whole\n" + "torn")
sys.stdout.flush()
