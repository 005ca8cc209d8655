"""The imports of the start leave the interpreter as they found it."""

import gc
import subprocess
import sys

from xo_cowork_core.cli.fast_imports import fast_imports

SERVER_IMPORTS = """
import sys
from xo_cowork_core.cli.fast_imports import fast_imports
with fast_imports():
    import xo_cowork_core.cli.serve
assert not any(name.startswith("pydantic.v1") for name in sys.modules)
from pydantic import v1
assert v1.BaseModel
"""


def test_the_server_starts_without_pydantic_v1_and_a_plugin_can_import_it():
    subprocess.run([sys.executable, "-c", SERVER_IMPORTS], check=True, timeout=30)


def test_garbage_collection_is_paused_for_the_imports_alone():
    try:
        with fast_imports():
            assert not gc.isenabled()
        assert gc.isenabled()
    finally:
        gc.unfreeze()
