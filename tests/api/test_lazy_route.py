"""Routes of families are declarations until an app that includes them needs them."""

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from xo_cowork_core.api.families import FAMILIES
from xo_cowork_core.api.lazy_route import LazyRoute, lazy_router
from xo_cowork_core.api.route_family import RouteFamily


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_route_of_a_family_is_lazy(family: RouteFamily) -> None:
    assert all(isinstance(route, LazyRoute) for route in family.load_router().routes)


def test_a_declaration_builds_nothing_and_the_app_builds_the_route() -> None:
    router = lazy_router()

    @router.post("/notes/{number}", status_code=201)
    async def add_note(number: int) -> dict[str, int]:
        """Add a note."""
        return {"number": number}

    (declared,) = router.routes
    assert not hasattr(declared, "dependant")

    app = FastAPI()
    app.include_router(router, tags=["notes"])
    (route,) = (each for each in iter_route_contexts(app.routes) if each.path == "/notes/{number}")
    assert route.methods == {"POST"}
    assert [parameter.name for parameter in route.dependant.path_params] == ["number"]
    operation = app.openapi()["paths"]["/notes/{number}"]["post"]
    assert operation["tags"] == ["notes"]
    assert operation["summary"] == "Add Note"
    assert operation["description"] == "Add a note."
    assert list(operation["responses"]) == ["201", "422"]
