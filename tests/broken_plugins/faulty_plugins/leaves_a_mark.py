"""Shows that it was imported: it must not be."""

import os
from pathlib import Path

Path(os.environ["HOME"], "imported").touch()
plugin = object()
