"""A test server's client refuses JSON that differs from the server's OpenAPI document."""

from collections.abc import Iterator

import pytest

from xo_cowork_core.sdk.testing import LiveServer, install_plugin

PLUGIN = """
from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel
from xo_cowork_core.sdk import Contributions, hookimpl

router = APIRouter()
BODIES = {
    "right": (200, {"name": "a", "at": "2026-01-01T00:00:00+00:00"}),
    "missing": (200, {"at": "2026-01-01T00:00:00+00:00"}),
    "mistyped": (200, {"name": 1, "at": "2026-01-01T00:00:00+00:00"}),
    "undated": (200, {"name": "a", "at": "yesterday"}),
    "undocumented-field": (200, {"name": "a", "at": "2026-01-01T00:00:00+00:00", "more": 1}),
    "undocumented-status": (202, {"name": "a", "at": "2026-01-01T00:00:00+00:00"}),
    "error": (404, {"detail": "Nothing"}),
    "other-error": (500, {"error": "Nothing"}),
}


class Named(BaseModel):
    name: str
    at: AwareDatetime


@router.get("/api/answers/{kind}", response_model=Named)
async def answer(kind: str) -> JSONResponse:
    status, body = BODIES[kind]
    return JSONResponse(body, status)


@router.get("/api/answers", response_model=list[Named] | Named)
async def answers() -> JSONResponse:
    return JSONResponse([BODIES["right"][1]])


class Plugin:
    @hookimpl
    def xo_contributes(self) -> Contributions:
        return Contributions(prefixes=["/api/answers"])

    @hookimpl
    def xo_routers(self) -> list[APIRouter]:
        return [router]


plugin = Plugin()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = install_plugin(tmp_path_factory.mktemp("plugins"), "runtime_answers", PLUGIN)
    with LiveServer(environment={"XO_PLUGINS": "runtime_answers"}, python_path=[folder]) as running:
        yield running


@pytest.mark.parametrize("kind", ["right", "error"])
def test_what_is_documented_passes(server: LiveServer, kind: str) -> None:
    assert server.client.get(f"/api/answers/{kind}").json()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", '"name" is a required property'),
        ("mistyped", 'name: 1 is not of type "string"'),
        ("undated", 'at: "yesterday" is not a "date-time"'),
        ("undocumented-field", "'more' was unexpected"),
        ("undocumented-status", "JSON with status 202 is not documented"),
        ("other-error", "'error' was unexpected"),
    ],
)
def test_anything_else_is_refused(server: LiveServer, kind: str, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        server.client.get(f"/api/answers/{kind}")


def test_a_list_is_refused_in_the_style_that_has_an_object(server: LiveServer) -> None:
    assert server.client.get("/api/answers", headers={"X-XO-Wire": "spa"}).json()
    with pytest.raises(AssertionError, match="is not of type"):
        server.client.get("/api/answers", headers={"X-XO-Wire": "docs"})
