"""Runs `xo-cowork` for `python -m xo_cowork_core`."""

import sys

from xo_cowork_core.cli import main

if __name__ == "__main__":
    sys.exit(main())
