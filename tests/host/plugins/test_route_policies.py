"""The policies that a plugin declares for its own routes."""

from collections.abc import Iterator

import httpx
import pytest

from xo_cowork_core.host.plugins.routes import overlap
from xo_cowork_core.sdk.testing import LiveServer, install_plugin

TOKEN = "token-of-the-server-0123456789"
SOURCE = """
from fastapi import APIRouter, Request

from xo_cowork_core.sdk import Contributions, PluginRoutePolicy, hookimpl


class Plugin:
    @hookimpl
    def xo_contributes(self):
        policies = {
            "/api/acme/callback": PluginRoutePolicy(public=True),
            "/api/acme/folders/{name}/upload": PluginRoutePolicy(streams_upload=True),
        }
        return Contributions(prefixes=["/api/acme"], policies=policies)

    @hookimpl
    def xo_routers(self):
        router = APIRouter()

        @router.get("/api/acme/callback")
        async def callback() -> str:
            return "open"

        @router.post("/api/acme/folders/{name}/upload")
        async def upload(request: Request) -> int:
            return sum([len(chunk) async for chunk in request.stream()])

        @router.post("/api/acme/folders/{name}")
        async def edit(request: Request) -> int:
            return len(await request.body())

        return [router]


plugin = Plugin()
"""
LARGE = b"1" * (33 << 20)
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = install_plugin(tmp_path_factory.mktemp("acme"), "connector_acme", SOURCE)
    environment = {"XO_PLUGINS": "connector_acme", "XO_API_TOKEN": TOKEN}
    with LiveServer(environment=environment, python_path=[folder]) as running:
        yield running


def post(server: LiveServer, path: str, **headers: str) -> httpx.Response:
    sent = {**JSON, "authorization": f"Bearer {TOKEN}", **headers}
    return server.client.post(path, content=LARGE, headers=sent)


def test_only_a_public_route_is_served_without_the_token(server: LiveServer) -> None:
    assert server.client.get("/api/acme/callback").json() == "open"
    assert server.client.post("/api/acme/folders/one").status_code == 401
    assert server.client.post("/api/acme/folders/one/upload").status_code == 401


def test_a_public_route_takes_no_foreign_host_or_origin(server: LiveServer) -> None:
    for name in ("host", "origin"):
        foreign = {name: "https://elsewhere.example" if name == "origin" else "elsewhere.example"}
        assert server.client.get("/api/acme/callback", headers=foreign).status_code == 403


def test_only_a_streaming_route_takes_a_large_json_file(server: LiveServer) -> None:
    assert post(server, "/api/acme/folders/one/upload").json() == len(LARGE)
    keyed = post(server, "/api/acme/folders/one/upload", **{"idempotency-key": "key-1"})
    assert keyed.json() == len(LARGE)
    assert post(server, "/api/acme/folders/one").status_code == 413


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("/a/b", "/a/b", True),
        ("/a/{x}", "/a/b", True),
        ("/a/{x}", "/{y}/b", True),
        ("/a/{x}/c", "/a/b", False),
        ("/a/b", "/a/c", False),
        ("/a/{x}/c", "/a/{y}/d", False),
        ("/a/{x:path}", "/a/b/c", True),
        ("/a/b/c", "/a/{x:path}", True),
        ("/b/{x:path}", "/a/b/c", False),
    ],
)
def test_two_paths_overlap_when_a_request_may_match_both(
    first: str, second: str, *, expected: bool
) -> None:
    assert overlap(first, second) is expected
    assert overlap(second, first) is expected
