"""`python -m xo_cowork_core` is `xo-cowork`."""

import sys

from xo_cowork_core.cli import main

if __name__ == "__main__":
    sys.exit(main())
