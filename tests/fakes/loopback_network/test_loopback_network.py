"""The network leads programs to the stand-ins of its table, and lets nothing out."""

import asyncio
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.fakes.loopback_network import LoopbackNetwork, PlainServer
from tests.support.turn_engine import in_event_loop
from xo_cowork_core.sdk import Unavailable
from xo_cowork_core.services.http import SharedHttpClient

HOST = "api.acme.example"
OTHER_HOST = "files.acme.example"
PLAIN_HOST = "plain.acme.example"
UNKNOWN = "unknown.example"
COMMIT = "0123456789" * 4
MAX_BUFFERED_BYTES = 64 << 20
SECONDS = 10.0


async def show_url(request: Request) -> Response:
    return PlainTextResponse(str(request.url))


class Echo:
    """An ASGI app that sends each part of a body back as it comes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        more = True
        while more:
            part = await receive()
            more = part.get("more_body", False)
            body = {"type": "http.response.body", "body": part["body"], "more_body": more}
            await send(body)


async def fail(_: Request) -> Response:
    raise RuntimeError("a bug of the stand-in")


async def list_refs(_: Request) -> Response:
    return PlainTextResponse(f"{COMMIT}\trefs/heads/main\n")


class Stalled:
    """An app that reads no body until `proceed` is set."""

    def __init__(self) -> None:
        self.proceed = threading.Event()

    async def serve(self, _: Request) -> Response:
        await asyncio.to_thread(self.proceed.wait, SECONDS)
        return PlainTextResponse("")


class PlainHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"plain")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def stalled() -> Stalled:
    return Stalled()


@pytest.fixture(scope="module")
def plain_port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), PlainHandler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(scope="module")
def network(stalled: Stalled, plain_port: int) -> Iterator[LoopbackNetwork]:
    routes = [
        Route("/echo", Echo()),
        Route("/fail", fail),
        Route("/stalled", stalled.serve, methods=["POST"]),
        Route("/repository.git/info/refs", list_refs),
    ]
    show = Starlette(routes=[Route("/{path:path}", show_url)])
    hosts = {
        HOST: Starlette(routes=[*routes, Route("/{path:path}", show_url)]),
        OTHER_HOST: show,
        PLAIN_HOST: PlainServer(plain_port),
    }
    with LoopbackNetwork(hosts) as running:
        yield running


@pytest.fixture
def surroundings(network: LoopbackNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the network's environment in this process."""
    for name, value in network.environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("surroundings")
@in_event_loop
async def test_the_servers_http_client_reaches_production_host_names() -> None:
    client = SharedHttpClient()
    try:
        for host in (HOST, OTHER_HOST):
            answer = await client.request("GET", f"https://{host}/v2/user")
            assert (answer.status, answer.text) == (200, f"https://{host}/v2/user")
        assert (await client.request("GET", f"https://{PLAIN_HOST}/")).text == "plain"
    finally:
        await client.close()


def test_an_unknown_host_is_refused_and_fails_the_test(
    network: LoopbackNetwork, surroundings: None
) -> None:
    @in_event_loop
    async def ask() -> None:
        client = SharedHttpClient()
        try:
            with pytest.raises(Unavailable):
                await client.request("GET", f"https://{UNKNOWN}/")
        finally:
            await client.close()

    ask()
    assert network.refused == [f"{UNKNOWN}:443"]
    with pytest.raises(AssertionError, match=UNKNOWN):
        network.check()
    network.check()


def test_a_refused_request_fails_the_test_on_exit() -> None:
    with (
        pytest.raises(AssertionError, match=UNKNOWN),
        LoopbackNetwork({HOST: Starlette()}) as network,
        network.client() as client,
        pytest.raises(httpx.ProxyError),
    ):
        client.get(f"https://{UNKNOWN}/")


def test_other_ports_and_requests_without_tls_are_refused(network: LoopbackNetwork) -> None:
    with network.client() as client:
        with pytest.raises(httpx.ProxyError):
            client.get(f"https://{HOST}:8443/")
        assert client.get(f"http://{HOST}/path").status_code == 502
    assert network.refused == [f"{HOST}:8443", f"GET http://{HOST}/path"]
    with pytest.raises(AssertionError, match="8443"):
        network.check()


def test_an_error_of_a_stand_in_fails_the_test(network: LoopbackNetwork) -> None:
    with network.client() as client:
        assert client.get(f"https://{HOST}/fail").status_code == 500
        misdirected = client.get(f"https://{HOST}/", headers={"host": UNKNOWN})
        assert misdirected.status_code == 421
    with pytest.raises(AssertionError, match=f"a bug of the stand-in.*{UNKNOWN}"):
        network.check()


def test_bodies_stream_in_both_directions(network: LoopbackNetwork) -> None:
    with connect(network) as connection:
        connection.sendall(head("/echo") + chunk(b"first"))
        with connection.makefile("rb") as lines:
            while lines.readline() != b"\r\n":
                pass
            assert (lines.readline(), lines.readline()) == (b"5\r\n", b"first\r\n")
            connection.sendall(chunk(b"second"))
            assert (lines.readline(), lines.readline()) == (b"6\r\n", b"second\r\n")


def test_an_upload_waits_for_its_reader(network: LoopbackNetwork, stalled: Stalled) -> None:
    block = chunk(b"x" * (1 << 20))
    with connect(network) as connection:
        connection.sendall(head("/stalled"))
        connection.settimeout(0.2)
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < MAX_BUFFERED_BYTES:
                connection.sendall(block)
                sent += len(block)
        stalled.proceed.set()
    assert sent < MAX_BUFFERED_BYTES


def test_git_trusts_the_network_and_nothing_else(network: LoopbackNetwork, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **network.environment}

    def list_remote(host: str) -> subprocess.CompletedProcess[str]:
        command = ["git", "ls-remote", f"https://{host}/repository.git"]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )

    assert list_remote(HOST).stdout.split() == [COMMIT, "refs/heads/main"]
    assert list_remote(UNKNOWN).returncode == 128
    assert set(network.refused) == {f"{UNKNOWN}:443"}
    with pytest.raises(AssertionError):
        network.check()


def connect(network: LoopbackNetwork) -> ssl.SSLSocket:
    """Return a TLS connection to the app of `HOST`."""
    port = httpx.URL(network.proxy_url).port
    assert port
    plain = socket.create_connection(("127.0.0.1", port), SECONDS)
    plain.sendall(b"CONNECT %b:443 HTTP/1.1\r\n\r\n" % HOST.encode())
    assert plain.recv(4096).endswith(b"\r\n\r\n")
    context = ssl.create_default_context(cafile=network.authority)
    context.set_alpn_protocols(["h2", "http/1.1"])
    connection = context.wrap_socket(plain, server_hostname=HOST)
    assert connection.selected_alpn_protocol() == "http/1.1"
    return connection


def head(path: str) -> bytes:
    lines = (f"POST {path} HTTP/1.1", f"host: {HOST}", "transfer-encoding: chunked", "", "")
    return "\r\n".join(lines).encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
