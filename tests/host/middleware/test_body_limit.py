"""Bodies that are too large, however they come."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from xo_cowork_core.sdk.testing import LiveServer, install_plugin

MEGABYTE = b"x" * (1 << 20)
SINK = """
from fastapi import APIRouter, Request

from xo_cowork_core.sdk import Contributions, hookimpl

class Plugin:
    @hookimpl
    def xo_contributes(self):
        return Contributions(prefixes=["/api/sink"])
    @hookimpl
    def xo_routers(self, context):
        router = APIRouter(prefix="/api/sink")

        @router.post("/pour")
        async def pour(request: Request) -> dict[str, int]:
            size = 0
            async for piece in request.stream():
                size += len(piece)
            return {"size": size}

        return [router]

plugin = Plugin()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = install_plugin(tmp_path_factory.mktemp("sink"), "sink", SINK)
    with LiveServer(environment={"XO_PLUGINS": "sink"}, python_path=[folder]) as running:
        yield running


def pieces(megabytes: int) -> Iterator[bytes]:
    for _ in range(megabytes):
        yield MEGABYTE


def post(server: LiveServer, path: str, body: bytes | Iterator[bytes], **headers: str):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.client.post(path, content=body, headers=named)


def most_memory(server: LiveServer) -> int:
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{server.pid}/status").read_text())
    assert found
    return int(found[1]) << 10


def refused(answer: httpx.Response) -> bool:
    return answer.status_code == 413 and "32 MB" in answer.json()["detail"]


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "image/png"])
def test_a_body_that_never_ends_is_413_and_fills_no_memory(server, content_type):
    before = most_memory(server)
    assert refused(post(server, "/api/chat/abort", pieces(200), content_type=content_type))
    assert most_memory(server) - before < 100 << 20


def test_a_body_that_says_its_size_is_413_at_once(server):
    assert refused(post(server, "/api/files/save", MEGABYTE * 33))
    assert refused(post(server, "/api/files/save", pieces(33), idempotency_key="large"))


def test_a_body_of_a_large_text_file_is_taken(server):
    path = str(server.home / "large.txt")
    saved = server.client.post("/api/files/save", json={"path": path, "content": "\n" * (12 << 20)})
    assert saved.json()["bytes"] == 12 << 20


def test_a_plugins_upload_streams_and_its_json_does_not(server):
    poured = post(server, "/api/sink/pour", pieces(40), content_type="application/octet-stream")
    assert poured.json() == {"size": 40 << 20}
    assert refused(post(server, "/api/sink/pour", pieces(40), content_type="application/json"))
