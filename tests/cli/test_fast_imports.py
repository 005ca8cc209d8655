"""What the imports of the start leave out, and that they restore the state of the interpreter."""

import gc
import json
import subprocess
import sys

import pytest
from pydantic import BaseModel

from xo_cowork_core.cli.fast_imports import fast_imports

# makes the OpenAPI document as the first eight requests for it at once would
FIRST_DOCUMENTS = """
import json
from concurrent.futures import ThreadPoolExecutor

from xo_cowork_core.cli.fast_imports import fast_imports

with fast_imports():
    from fastapi import FastAPI
    from fastapi.openapi.models import OpenAPI

deferred = not OpenAPI.__pydantic_complete__

def document(_):
    app = FastAPI()
    app.get("/pets/{name}")(lambda name: {"name": name})
    return json.dumps(app.openapi())

with ThreadPoolExecutor(8) as pool:
    documents = set(pool.map(document, range(8)))
print(json.dumps({"deferred": deferred, "documents": list(documents)}))
"""


@pytest.fixture(autouse=True)
def unfreeze():
    yield
    gc.unfreeze()


def test_garbage_collection_is_paused_for_the_imports_alone():
    with fast_imports():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_only_models_of_the_imports_are_built_when_they_are_first_used():
    with fast_imports():

        class Imported(BaseModel):
            port: int

    class Later(BaseModel):
        port: int

    assert not Imported.__pydantic_complete__
    assert Imported.model_validate({"port": "80"}).port == 80
    assert Later.__pydantic_complete__


def test_documents_made_at_once_are_complete_although_their_models_are_built_late():
    run = [sys.executable, "-c", FIRST_DOCUMENTS]
    printed = json.loads(subprocess.run(run, capture_output=True, check=True, timeout=60).stdout)
    assert printed["deferred"]
    (document,) = map(json.loads, printed["documents"])
    assert list(document["paths"]) == ["/pets/{name}"]
