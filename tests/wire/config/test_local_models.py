"""Ollama on this machine: asked on loopback, with a short limit, once for callers at a time."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.answers import get_json
from xo_cowork_core.sdk.testing import LiveServer, eventually

DOWN = {"running": False, "installed": False, "models": []}
MODEL = {"name": "llama3:8b", "size": 5, "modified_at": "2026-11-24T08:00:00Z"}


class FakeOllama:
    """Answers `GET /api/tags` with `body`, after `delay`; counts the requests."""

    def __init__(self) -> None:
        self.body = json.dumps({"models": [{**MODEL, "digest": "d"}]}).encode()
        self.status = 200
        self.requests = 0
        self.released = threading.Event()
        self.released.set()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                fake.requests += 1
                fake.released.wait(10)
                self.send_response(fake.status)
                self.send_header("Content-Length", str(len(fake.body)))
                self.send_header("Location", "http://127.0.0.1:9/")
                self.end_headers()
                self.wfile.write(fake.body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    fake = FakeOllama()
    yield fake
    fake.close()


@pytest.fixture
def server(ollama: FakeOllama) -> Iterator[LiveServer]:
    environment = {"XO_PLUGINS": "none", "XO_OLLAMA_URL": ollama.url}
    with LiveServer(environment={**environment, "HTTP_PROXY": "http://127.0.0.1:9"}) as running:
        yield running


@pytest.mark.parametrize("style", ["docs", "spa"])
def test_a_running_server_is_shown_with_its_models(server: LiveServer, style: str) -> None:
    server.client.headers["X-XO-Wire"] = style
    wanted = {"running": True, "installed": True, "models": [MODEL]}
    assert get_json(server, "/api/config/ollama") == wanted
    assert get_json(server, "/api/ollama/status") == {"binary_installed": True, "running": True}
    assert get_json(server, "/api/config/local") == {
        "is_local": True,
        "is_connected": True,
        "available": True,
        "provider": "ollama",
    }


def test_requests_at_the_same_time_share_one_answer(server: LiveServer, ollama: FakeOllama) -> None:
    with ThreadPoolExecutor(10) as pool:
        found = list(pool.map(lambda _: get_json(server, "/api/ollama/status"), range(50)))
    assert all(each["running"] for each in found)
    # once, and again for each two seconds that the fifty take on a busy machine
    assert ollama.requests <= 10


def test_an_answer_is_as_old_as_two_seconds_at_most(server: LiveServer, ollama: FakeOllama) -> None:
    assert get_json(server, "/api/ollama/status")["running"] is True
    ollama.status = 500
    eventually(
        lambda: not get_json(server, "/api/ollama/status")["running"], 15, "it is asked again"
    )


def test_one_that_hangs_counts_as_not_running(server: LiveServer, ollama: FakeOllama) -> None:
    ollama.released.clear()
    assert get_json(server, "/api/config/ollama") == DOWN
    assert server.client.get("/api/config/ollama").elapsed.total_seconds() < 5


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>another program</html>"),
        (200, b"[]"),
        (200, b'{"models": 5}'),
        (500, b"{}"),
        (302, b'{"models": []}'),
    ],
)
def test_another_program_on_its_port_is_not_it(
    server: LiveServer, ollama: FakeOllama, status: int, body: bytes
) -> None:
    ollama.status, ollama.body = status, body
    assert get_json(server, "/api/config/ollama") == DOWN


def test_rows_that_cannot_be_read_are_left_out(server: LiveServer, ollama: FakeOllama) -> None:
    rows = [5, {}, {"name": 5}, {"name": "a", "size": "big", "modified_at": 5}]
    ollama.body = json.dumps({"models": [*rows, {"name": "\ud800", "size": -1}]}).encode()
    empty = {"size": 0, "modified_at": ""}
    assert get_json(server, "/api/config/ollama")["models"] == [
        {"name": "a", **empty},
        {"name": "?", **empty},
    ]


def test_an_installed_program_that_does_not_run_is_available(tmp_path: Path) -> None:
    program = tmp_path / "ollama"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    environment = {"XO_PLUGINS": "none", "PATH": f"{tmp_path}:/usr/bin:/bin"}
    with LiveServer(environment={**environment, "XO_OLLAMA_URL": "http://127.0.0.1:9"}) as server:
        assert get_json(server, "/api/ollama/status") == {
            "binary_installed": True,
            "running": False,
        }
        assert get_json(server, "/api/config/local") == {
            "is_local": False,
            "is_connected": False,
            "available": True,
            "provider": "ollama",
        }
