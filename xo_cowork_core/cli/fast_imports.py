"""Shorter imports for the start of the server."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

PYDANTIC_V1 = "pydantic.v1"


@contextmanager
def fast_imports() -> Iterator[None]:
    """Import the core's modules without garbage collection and without `pydantic.v1`.

    Imported objects stay: collections while they are created take a tenth of the start. FastAPI
    0.165 imports `pydantic.v1` (20 ms, 3 MB) only to refuse its models as parameters, and no route
    of the core has one. Afterwards plugins can import it as usual.
    """
    hides_pydantic_v1 = PYDANTIC_V1 not in sys.modules
    gc.disable()
    if hides_pydantic_v1:
        # None makes an import raise ImportError, which FastAPI expects
        sys.modules[PYDANTIC_V1] = None  # pyright: ignore[reportArgumentType]
    try:
        yield
    finally:
        if hides_pydantic_v1:
            del sys.modules[PYDANTIC_V1]
        # later collections do not scan what was imported
        gc.freeze()
        gc.enable()
