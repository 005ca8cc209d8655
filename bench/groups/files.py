"""Row group `files`: an upload of 100 MB, and the latency of /health meanwhile."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from statistics import median

from bench.measuring.plan import Plan
from bench.measuring.proc import PeakMemory, settle
from bench.measuring.rows import Baseline, Row, Target
from bench.measuring.server import QUICK, server_with
from bench.measuring.wire import SECONDS, Address, connect
from xo_cowork_core.sdk.testing import LiveServer

BYTES = 100 << 20
PIECE = bytes(1 << 20)
BOUNDARY = "bench"
PAUSE_SECONDS = 0.005
ALONE_SECONDS = 2.0
MAX_GROWTH_MB = 10
MAX_HEALTH_MS = 50


@dataclass(slots=True)
class Health:
    """Requests /health repeatedly while the `with` block runs. Owns one thread."""

    address: Address
    milliseconds: list[float] = field(default_factory=list[float])
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> "Health":
        self._thread = threading.Thread(target=self._ask, name="health", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread:
            self._thread.join()

    @property
    def p99(self) -> float:
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]

    def _ask(self) -> None:
        http = HTTPConnection(self.address.host, self.address.port, timeout=SECONDS)
        while not self._over.wait(PAUSE_SECONDS):
            begun = time.perf_counter()
            http.request("GET", "/health")
            http.getresponse().read()
            self.milliseconds.append(1000 * (time.perf_counter() - begun))
        http.close()


def measure(plan: Plan) -> Iterator[Row]:
    """Upload several times to one server; each file is new to it."""
    growths: list[float] = []
    waits: list[float] = []
    seconds: list[float] = []
    exact = True
    with server_with(QUICK) as server:
        address = Address.of(server.base_url)
        with Health(address) as alone:
            time.sleep(ALONE_SECONDS)
        for number in range(plan.repeats):
            settle(server.pid)
            with PeakMemory(server.pid) as peak, Health(address) as health:
                begun = time.perf_counter()
                exact &= upload(server, address, number)
                seconds.append(time.perf_counter() - begun)
            growths.append(peak.growth_mb)
            waits.append(health.p99)
    note = f"the first {growths[0]:.1f} MB, in {median(seconds):.2f} s"
    yield Row(
        "files: RSS growth, upload of 100 MB",
        "MB",
        max(growths),
        Target(MAX_GROWTH_MB),
        exact=exact,
        note=note,
    )
    yield Row(
        "files: /health p99 meanwhile",
        "ms",
        median(waits),
        Target(MAX_HEALTH_MS),
        Baseline("ms, with no upload", alone.p99),
    )


def upload(server: LiveServer, address: Address, number: int) -> bool:
    """Send one file as a form; return whether it arrived complete."""
    head = (
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; "
        f'name="file"; filename="{number}.bin"\r\n\r\n{number:06}'
    ).encode()
    tail = f"\r\n--{BOUNDARY}--\r\n".encode()
    length = len(head) + BYTES - 6 + len(tail)
    with connect(address) as connection:
        connection.sendall(
            f"POST /api/files/upload HTTP/1.1\r\nHost: {address.host}:{address.port}\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
            f"Content-Length: {length}\r\nConnection: close\r\n\r\n".encode()
            + head
        )
        left = BYTES - 6
        while left:
            piece = PIECE[:left]
            connection.sendall(piece)
            left -= len(piece)
        connection.sendall(tail)
        answer = received(connection)
    if not answer.startswith(b"HTTP/1.1 200"):
        return False
    stored = json.loads(answer.partition(b"\r\n\r\n")[2])
    place = server.home / "uploads" / f"{number}.bin"
    whole = stored["path"] == str(place) and place.stat().st_size == BYTES
    place.unlink()
    return whole


def received(connection: socket.socket) -> bytes:
    """Read an answer to its end."""
    answer = bytearray()
    while piece := connection.recv(1 << 16):
        answer += piece
    return bytes(answer)
