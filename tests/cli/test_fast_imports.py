"""The imports of the start restore the state of the garbage collector."""

import gc

from xo_cowork_core.cli.fast_imports import fast_imports


def test_garbage_collection_is_paused_for_the_imports_alone():
    try:
        with fast_imports():
            assert not gc.isenabled()
        assert gc.isenabled()
    finally:
        gc.unfreeze()
