"""Row group `start`: time to the first answer, memory at that moment, and idle CPU."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from statistics import median

from bench.measuring.plan import Plan
from bench.measuring.proc import cpu_seconds, rss_mb, settle
from bench.measuring.rows import Baseline, Row, Target
from bench.measuring.server import QUICK, server_with
from bench.measuring.wire import Address, connect, encode_get
from xo_cowork_core.sdk.testing import LiveServer

LIMIT_SECONDS = 30.0
LOOK_SECONDS = 0.002
# the packages that a server of this kind is made of, and the two that no such server can do without
PACKAGES = "fastapi, uvicorn, pluggy, pydantic, httpx, sse_starlette, stevedore"
TWO_PACKAGES = "fastapi, uvicorn"
PRINT_PAGES = "print(open('/proc/self/statm').read().split()[1], flush=True)"
PAGE_MB = 4096 / 1e6


@dataclass(frozen=True, slots=True)
class Sample:
    """One start: seconds to the first answer, MB of memory then."""

    seconds: float
    mb: float


@dataclass(frozen=True, slots=True)
class Starts:
    """Starts of the server and the imports measured between them, and the idle CPU in percent."""

    ours: list[Sample]
    packages: list[Sample]
    two_packages: list[Sample]
    idle: float

    def ratio(self) -> float:
        """Return the median ratio of a start to the import of the packages just before it."""
        pairs = zip(self.ours, self.packages, strict=True)
        return median([ours.seconds / packages.seconds for ours, packages in pairs])


def measure(plan: Plan) -> Iterator[Row]:
    """Measure starts, then quiet."""
    starts = measure_starts(plan)
    two_packages = Baseline(
        "s, import fastapi, uvicorn", median([sample.seconds for sample in starts.two_packages])
    )
    yield Row(
        "start: to the first /health",
        "s",
        median([sample.seconds for sample in starts.ours]),
        Target(0.9),
        two_packages,
        note=f"fastest {min(sample.seconds for sample in starts.ours):.2f} s",
    )
    packages = median([sample.seconds for sample in starts.packages])
    yield Row(
        "start: over importing the packages",
        "",
        starts.ratio(),
        Target(1.15),
        note=f"the packages alone {packages:.2f} s",
    )
    yield Row(
        "start: RSS then",
        "MB",
        median([sample.mb for sample in starts.ours]),
        Target(85),
        Baseline(
            "MB, import fastapi, uvicorn", median([sample.mb for sample in starts.two_packages])
        ),
    )
    yield Row(
        "start: idle CPU", "%", starts.idle, Target(0.5), note=f"over {idle_seconds(plan):.0f} s"
    )


def measure_starts(plan: Plan) -> Starts:
    """Measure in turn, so that a ratio compares what ran in the same seconds.

    The server starts repeatedly on one state folder; the last one idles.
    """
    starts = Starts([], [], [], 0.0)
    place = server_with(QUICK)
    try:
        count = plan.pick(10, 3)
        for number in range(count):
            starts.two_packages.append(imports(TWO_PACKAGES, place.variables()))
            starts.packages.append(imports(PACKAGES, place.variables()))
            is_last = number == count - 1
            sample, idle = start_once(place, idle_seconds(plan) if is_last else 0.0)
            starts.ours.append(sample)
    finally:
        place.close()
    return replace(starts, idle=idle)


def start_once(place: LiveServer, idle: float) -> tuple[Sample, float]:
    """Start the server; return the start and, measured over `idle` seconds, its idle CPU."""
    address = Address("127.0.0.1", free_port())
    begun = time.perf_counter()
    server = started(place.variables() | {"PORT": str(address.port)})
    try:
        await_health(address, server)
        sample = Sample(time.perf_counter() - begun, rss_mb(server.pid))
        return sample, idle_percent(server.pid, idle) if idle else 0.0
    finally:
        server.terminate()
        server.wait(LIMIT_SECONDS)


def started(variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
    nothing = subprocess.DEVNULL
    command = [sys.executable, "-m", "xo_cowork_core", "serve"]
    return subprocess.Popen(
        command, env=variables, cwd=variables["HOME"], stdout=nothing, stderr=nothing
    )


def await_health(address: Address, server: subprocess.Popen[bytes]) -> None:
    """Ask for /health until it is answered."""
    until = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            with connect(address) as connection:
                connection.sendall(encode_get(address, "/health"))
                if connection.recv(4096).startswith(b"HTTP/1.1 200"):
                    return
        except OSError:
            pass
        time.sleep(LOOK_SECONDS)
    raise RuntimeError("the server did not answer /health")


def idle_seconds(plan: Plan) -> float:
    return plan.pick(10, 5)


def idle_percent(pid: int, seconds: float) -> float:
    """Return the share of one core that a process uses without requests."""
    settle(pid)
    before, begun = cpu_seconds(pid), time.monotonic()
    time.sleep(seconds)
    return 100 * (cpu_seconds(pid) - before) / (time.monotonic() - begun)


def imports(packages: str, variables: Mapping[str, str]) -> Sample:
    """Start Python in the server's environment and import these packages alone."""
    begun = time.perf_counter()
    script = f"import {packages}; {PRINT_PAGES}"
    command = [sys.executable, "-c", script]
    run = subprocess.run(command, env=variables, capture_output=True, check=True)
    return Sample(time.perf_counter() - begun, int(run.stdout) * PAGE_MB)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
