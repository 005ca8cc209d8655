"""Row group `drives`: a folder list and an upload of 300 MB through the real rclone to OneDrive.

A fake of Microsoft stands behind a loopback proxy in this process. The baseline of the list is the
same request to the same rclone, without the server.
"""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from bench.measuring.plan import Plan
from bench.measuring.proc import PeakMemory, cpu_seconds, settle
from bench.measuring.rows import Baseline, Row, Target
from bench.measuring.server import QUICK, server_with
from bench.measuring.wire import SECONDS, Address, connect
from xo_cowork_core.sdk.testing import Connections, LiveServer

if TYPE_CHECKING:
    from tests.fakes.microsoft_graph import Drive

REMOTE = "bench"
PATH = f"/api/connectors/onedrive/remotes/{REMOTE}"
FOLDERS = 50
MAX_OVER_MS = 5
BYTES = 300 << 20
PIECE = bytes(1 << 20)
MAX_GROWTH_MB = 30
UPLOAD_SECONDS = 300.0


def measure(plan: Plan) -> Iterator[Row]:
    """Measure both on one server."""
    with signed_in() as (server, drive):
        yield measure_lists(server, drive, plan.pick(200, 40))
        yield measure_uploads(server, drive, plan.pick(3, 1))


@contextmanager
def signed_in() -> "Iterator[tuple[LiveServer, Drive]]":
    """Run a server with a remote of OneDrive; give it and the drive that the remote reaches."""
    # they need the packages of the tests, which the other groups do not
    from tests.fakes.loopback_network import LoopbackNetwork  # noqa: PLC0415
    from tests.fakes.microsoft_graph import Drive, FakeMicrosoft  # noqa: PLC0415

    with FakeMicrosoft() as microsoft, LoopbackNetwork(microsoft.hosts) as network:
        drive = Drive("b!bench", keeps_content=False)
        microsoft.reset(drive)
        environment = {**network.environment, "ONEDRIVE_CLIENT_ID": "test-client"}
        with server_with(QUICK, environment) as server:
            connections = Connections(server, "onedrive")
            flow = connections.connect(method="authorization_code", connection=REMOTE)
            microsoft.oauth.sign_in(str(flow["authorize_url"]))
            assert connections.wait(flow["flow_id"])["state"] == "completed"
            yield server, drive


def measure_lists(server: LiveServer, drive: "Drive", pairs: int) -> Row:
    """List a folder through the server and straight from its rclone, in turn."""
    names = [f"folder {number:03}" for number in range(FOLDERS)]
    for name in names:
        drive.make_folders(f"list/{name}")
    socket_path = server.state / "plugins" / "connector_onedrive" / "rcd.sock"
    overs: list[float] = []
    alone: list[float] = []
    exact = True
    address = Address.of(server.base_url)
    through = HTTPConnection(address.host, address.port, timeout=SECONDS)
    rclone = UnixConnection(socket_path)
    list_through_server(through)
    cpu = cpu_seconds(server.pid)
    for number in range(pairs):
        # neither is always the one after the other
        order = (True, False) if number % 2 else (False, True)
        spent = dict.fromkeys(order, 0.0)
        for is_through in order:
            begun = time.perf_counter()
            listed = list_through_server(through) if is_through else list_from_rclone(rclone)
            spent[is_through] = 1000 * (time.perf_counter() - begun)
            exact &= listed == names
        alone.append(spent[False])
        overs.append(spent[True] - spent[False])
    cpu_ms = 1000 * (cpu_seconds(server.pid) - cpu) / pairs
    through.close()
    rclone.close()
    return Row(
        f"drives: list of {FOLDERS} over rclone's own",
        "ms",
        median(overs),
        Target(MAX_OVER_MS),
        Baseline("ms, rclone alone", median(alone)),
        exact=exact,
        note=f"median of {pairs} pairs; {cpu_ms:.1f} ms of the server's CPU",
    )


class UnixConnection(HTTPConnection):
    """An HTTP connection over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("rclone", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def list_through_server(http: HTTPConnection) -> list[str]:
    """Return the names of the folders, as a client of the server lists them."""
    http.request("GET", f"{PATH}/folders?path=list")
    answer = http.getresponse()
    body = answer.read()
    assert answer.status == 200, body
    return [str(row["name"]) for row in json.loads(body)["folders"]]


def list_from_rclone(http: HTTPConnection) -> list[str]:
    """Return the names of the folders, as the server lists them."""
    options = {"dirsOnly": True, "metadata": False}
    body = json.dumps({"fs": f"{REMOTE}:", "remote": "list", "opt": options})
    http.request("POST", "/operations/list", body, {"Content-Type": "application/json"})
    answer = http.getresponse()
    text = answer.read()
    assert answer.status == 200, text
    return sorted(str(row["Name"]) for row in json.loads(text)["list"])


def measure_uploads(server: LiveServer, drive: "Drive", repeats: int) -> Row:
    """Upload a large file several times; each is new."""
    rclone = next(each.pid for each in server.descendants() if " rcd " in f" {each.command} ")
    growths: list[float] = []
    rclone_growths: list[float] = []
    seconds: list[float] = []
    exact = True
    for number in range(repeats):
        settle(server.pid)
        with PeakMemory(server.pid) as peak, PeakMemory(rclone) as rclone_peak:
            begun = time.perf_counter()
            upload(server, f"{number}.bin")
            seconds.append(time.perf_counter() - begun)
        growths.append(peak.growth_mb)
        rclone_growths.append(rclone_peak.growth_mb)
        # rclone compares its hash of the file with the drive's
        exact &= drive.find("root", f"upload/{number}.bin").size == BYTES
    return Row(
        "drives: RSS growth, upload of 300 MB",
        "MB",
        max(growths),
        Target(MAX_GROWTH_MB),
        exact=exact,
        note=f"rclone's own {max(rclone_growths):.1f} MB, in {median(seconds):.1f} s",
    )


def upload(server: LiveServer, filename: str) -> None:
    """Send one file as a raw body. Raises AssertionError when it was not stored."""
    address = Address.of(server.base_url)
    head = (
        f"POST {PATH}/upload?path=upload&filename={filename} HTTP/1.1\r\n"
        f"Host: {address.host}:{address.port}\r\nContent-Type: application/octet-stream\r\n"
        f"Content-Length: {BYTES}\r\nConnection: close\r\n\r\n"
    )
    with connect(address) as connection:
        connection.settimeout(UPLOAD_SECONDS)
        connection.sendall(head.encode())
        for _ in range(BYTES // len(PIECE)):
            connection.sendall(PIECE)
        answer = received(connection)
    assert answer.startswith(b"HTTP/1.1 200"), answer[:500]


def received(connection: socket.socket) -> bytes:
    """Read an answer to its end."""
    answer = bytearray()
    while piece := connection.recv(1 << 16):
        answer += piece
    return bytes(answer)
