"""A deferred router has its routes from `load` on, and only below its prefixes."""

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient

from xo_cowork_core.api.deferred_router import DeferredRouter


def notes_router() -> APIRouter:
    router = APIRouter()

    @router.get("/notes")
    @router.get("/elsewhere")
    async def notes() -> list[str]:
        return []

    return router


def add_notes(router: APIRouter) -> None:
    router.include_router(notes_router())


@pytest.fixture
def served() -> tuple[DeferredRouter, TestClient]:
    router = DeferredRouter(["/notes"], add_notes)
    app = FastAPI()
    app.include_router(router, tags=["notes"])
    return router, TestClient(app)


def test_the_routes_answer_once_they_are_loaded(served):
    router, client = served
    assert client.get("/notes").status_code == 404
    router.load()
    assert client.get("/notes").json() == []
    assert client.post("/notes").status_code == 405
    assert client.get("/openapi.json").json()["paths"]["/notes"]["get"]["tags"] == ["notes"]


def test_a_route_outside_the_prefixes_does_not_answer(served):
    router, client = served
    router.load()
    assert client.get("/elsewhere").status_code == 404


def test_routes_are_added_once():
    router = DeferredRouter(["/notes"], add_notes)
    router.load()
    router.load()
    assert len(router.routes) == 1


def test_routes_may_be_added_without_another_router():
    router = DeferredRouter(["/notes"], lambda own: own.routes.extend(notes_router().routes))
    app = FastAPI()
    app.include_router(router)
    client = TestClient(app)
    # FastAPI has seen it without routes
    assert client.get("/openapi.json").json()["paths"] == {}
    assert client.get("/notes").status_code == 404
    router.load()
    assert client.get("/notes").json() == []


def test_a_load_that_failed_is_repeated():
    errors = [OSError("too many open files")]

    def add(router: APIRouter) -> None:
        if errors:
            raise errors.pop()
        add_notes(router)

    router = DeferredRouter(["/notes"], add)
    with pytest.raises(OSError, match="too many"):
        router.load()
    assert router.routes == []
    router.load()
    assert len(router.routes) == 1


@pytest.mark.parametrize(
    ("path", "is_covered"),
    [("/notes", True), ("/notes/1", True), ("/notes/", True), ("/notebook", False), ("/", False)],
)
def test_a_prefix_covers_whole_segments(path, is_covered):
    assert DeferredRouter(["/notes", "/memos"], add_notes).covers(path) is is_covered
