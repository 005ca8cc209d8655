"""What one connection may cost: heads without end, clients that stop, bytes that are no HTTP."""

import asyncio
import json
import re
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest
import uvicorn

from xo_cowork_core.host.middleware.protocol_limits import MAX_HEAD_BYTES, LimitedHttpProtocol
from xo_cowork_core.sdk.testing import LiveServer, eventually

SECONDS = 20.0
GIVEN_UP_SECONDS = 15.0  # the test sets a limit of 0.05 s
MEGABYTES = 48
START = b"Host: localhost\r\n"
REFUSED_POST = (
    b"POST /api/chat/abort HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
)
ENDLESS = {
    "url": (b"GET /", b"a" * (1 << 20)),
    "one header": (b"GET / HTTP/1.1\r\n" + START + b"X: ", b"a" * (1 << 20)),
    "one name": (b"GET / HTTP/1.1\r\n" + START, b"a" * (1 << 20)),
    "many headers": (b"GET / HTTP/1.1\r\n" + START, b"a: b\r\n" * (1 << 17)),
    "trailers": (REFUSED_POST + b"0\r\n", b"a: b\r\n" * (1 << 17)),
    "extension of a chunk": (REFUSED_POST + b"5;", b"a" * (1 << 20)),
}


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with LiveServer(environment={"XO_PLUGINS": "none", "XO_API_TOKEN": "of-this-test"}) as running:
        # what it imports after its start takes memory too
        token = {"Authorization": "Bearer of-this-test"}
        assert running.client.get("/openapi.json", headers=token).status_code == 200
        yield running


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_head_without_end_is_cut_before_it_fills_the_memory(server, kind):
    before = most_memory(server)
    start, more = ENDLESS[kind]
    with connected(server.base_url) as client, pytest.raises(ConnectionError):
        client.sendall(start)
        for _ in range(MEGABYTES):
            client.sendall(more)
        # where its last bytes fitted into the buffers between us
        client.recv(1)
        raise AssertionError("all of it was taken")
    assert most_memory(server) - before < 16 << 20


def test_a_head_that_is_a_little_too_long_is_431(server):
    with connected(server.base_url) as client:
        # not a byte that would stay unread: that would break the answer off
        start = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: "
        client.sendall(start.ljust(MAX_HEAD_BYTES + 1, b"a"))
        status, detail = answer(client)
    assert status == 431
    assert "64 KB" in detail


def test_a_long_head_is_taken(server):
    headers = {f"X-{number}": "a" * 1000 for number in range(60)}
    assert server.client.get("/health", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /caf\xc3\xa9 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"\x16\x03\x01\x02\x00",
    ],
)
def test_what_is_no_http_gets_the_one_error_body(server, sent):
    with connected(server.base_url) as client:
        client.sendall(sent)
        status, detail = answer(client)
    assert status == 400
    assert "percent-encoded" in detail


def test_an_idle_connection_outlives_the_5_seconds_that_clients_keep_theirs(server):
    with closing(HTTPConnection(*address_of(server.base_url), timeout=SECONDS)) as client:
        for seconds in (6, 0):
            client.request("GET", "/health")
            assert client.getresponse().read()
            ended, _, _ = select.select([client.sock], [], [], seconds)
            assert not ended


def test_an_upgrade_request_is_answered_as_a_plain_request(server):
    head = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "eA=="}
    assert server.client.get("/health", headers=head).status_code == 200
    assert server.client.get("/api/plugins", headers=head).status_code == 401
    assert "WebSocket" not in server.log


class Impatient(LimitedHttpProtocol):
    """Has very short deadlines."""

    head_seconds = body_seconds = 0.05


class App:
    """Reads a body once it may, then answers with the number of bytes."""

    loop: asyncio.AbstractEventLoop

    def __init__(self) -> None:
        self.waits = threading.Event()
        self.may_read = asyncio.Event()

    async def __call__(self, scope, receive, send):
        size, more = 0, scope["path"] != "/deaf"
        while more:
            if scope["path"] == "/late":
                self.waits.set()
                await self.may_read.wait()
            message = await receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        body = b"%d bytes" % size
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"G",
        b"GET / HTTP/1.1\r\nHost: loc",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf",
        b"POST /deaf HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT",
    ],
)
def test_a_client_that_stops_in_the_middle_is_disconnected(sent):
    with serving(App(), Impatient) as url, connected(url) as client:
        started = time.monotonic()
        # reset where it was disconnected before its bytes arrived
        with suppress(ConnectionError):
            client.sendall(sent)
            while client.recv(4096):
                pass
        assert time.monotonic() - started < GIVEN_UP_SECONDS


class Patient(LimitedHttpProtocol):
    """Passes its deadline only when a test requests it."""

    head_seconds = body_seconds = 1e6
    latest: "Patient"

    def on_headers_complete(self) -> None:
        Patient.latest = self
        super().on_headers_complete()


@pytest.mark.parametrize("asks", [False, True])
def test_a_client_is_not_blamed_for_a_slow_server(asks):
    app = App()
    with serving(app, Patient) as url, connected(url) as client:
        size = 1 << 20
        expect = b"Expect: 100-continue\r\n" if asks else b""
        head = b"POST /late HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n" % (expect, size)
        client.sendall(head)
        sending = threading.Thread(target=client.sendall, args=(b"a" * size,))
        if not asks:
            sending.start()
        eventually(app.waits.is_set, SECONDS, "the request")
        waits = Patient.latest
        eventually(lambda: asks or waits.flow.read_paused, SECONDS, "a full buffer")
        app.loop.call_soon_threadsafe(waits.close_overdue, 1e6)
        app.loop.call_soon_threadsafe(app.may_read.set)
        if asks:
            assert read_to(client, b"\r\n\r\n").startswith(b"HTTP/1.1 100")
            sending.start()
        assert b"%d bytes" % size in read_to(client, b"bytes")
        sending.join(SECONDS)


@pytest.mark.parametrize("is_new", [True, False])
def test_at_the_shutdown_a_new_connection_still_gets_its_first_answer(is_new):
    connections: list[LimitedHttpProtocol] = []

    class Connection(LimitedHttpProtocol):
        first_request_seconds = 1e6 if is_new else 0.0

        def connection_made(self, transport):
            super().connection_made(transport)
            connections.append(self)

    app = App()
    with serving(app, Connection) as url, connected(url) as client:
        eventually(lambda: connections, SECONDS, "the connection")
        app.loop.call_soon_threadsafe(connections[0].shutdown)
        if is_new:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody")
            assert read_to(client, b"4 bytes").endswith(b"4 bytes")
            app.loop.call_soon_threadsafe(connections[0].shutdown)
        assert client.recv(1) == b""


@contextmanager
def serving(app: App, connection: type[LimitedHttpProtocol]) -> Iterator[str]:
    """Run an app behind impatient connections in a thread; give its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=connection, ws="none", lifespan="off", log_level="critical")
    server = uvicorn.Server(config)
    started = threading.Event()

    async def run() -> None:
        app.loop = asyncio.get_running_loop()
        started.set()
        await server.serve(sockets=[listener])

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    try:
        assert started.wait(SECONDS)
        host, port = listener.getsockname()
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(SECONDS)
        listener.close()


@contextmanager
def connected(url: str) -> Iterator[socket.socket]:
    with socket.create_connection(address_of(url), timeout=SECONDS) as client:
        yield client


def address_of(url: str) -> tuple[str, int]:
    host, port = url.removeprefix("http://").split(":")
    return host, int(port)


def read_to(client: socket.socket, end: bytes) -> bytes:
    received = b""
    while not received.endswith(end) and (piece := client.recv(65536)):
        received += piece
    return received


def answer(client: socket.socket) -> tuple[int, str]:
    head, _, body = read_to(client, b"}").partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["detail"]


def most_memory(server: LiveServer) -> int:
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{server.pid}/status").read_text())
    assert found
    return int(found[1]) << 10
