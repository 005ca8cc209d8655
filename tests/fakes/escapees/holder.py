"""Prints a whole and a torn line and exits, while a child goes on holding stdout. Argument: the
folder."""

import subprocess
import sys
from pathlib import Path

sleeper = Path(__file__).with_name("sleeper.py")
subprocess.Popen([sys.executable, sleeper, sys.argv[1]])
sys.stdout.write("whole\n" + "torn")
sys.stdout.flush()
