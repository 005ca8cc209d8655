"""Row group `start`: time to the first answer, memory at that moment, and idle CPU."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from bench.measuring.plan import Plan
from bench.measuring.proc import cpu_seconds, rss_mb, settle
from bench.measuring.rows import Baseline, Row, Target
from bench.measuring.server import QUICK, server_with
from bench.measuring.wire import Address, connect, encode_get

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


def measure(plan: Plan) -> Iterator[Row]:
    """Measure starts, then quiet."""
    ours, idle = starts(plan)
    bare = [imports(TWO_PACKAGES) for _ in range(plan.repeats)]
    packages = median([imports(PACKAGES).seconds for _ in range(plan.repeats)])
    yield Row(
        "start: to the first /health",
        "s",
        median([sample.seconds for sample in ours]),
        Target(0.9),
        Baseline("s, import fastapi, uvicorn", median([sample.seconds for sample in bare])),
        note=f"fastest {min(sample.seconds for sample in ours):.2f} s",
    )
    yield Row(
        "start: over importing the packages",
        "",
        median([sample.seconds for sample in ours]) / packages,
        Target(1.15),
        note=f"the packages alone {packages:.2f} s",
    )
    yield Row(
        "start: RSS then",
        "MB",
        median([sample.mb for sample in ours]),
        Target(85),
        Baseline("MB, import fastapi, uvicorn", median([sample.mb for sample in bare])),
    )
    yield Row("start: idle CPU", "%", idle, Target(0.5), note=f"over {idle_seconds(plan):.0f} s")


def starts(plan: Plan) -> tuple[list[Sample], float]:
    """Start the server repeatedly on one state folder; let the last one idle."""
    samples: list[Sample] = []
    idle = 0.0
    place = server_with(QUICK)
    try:
        for number in range(plan.repeats):
            address = Address("127.0.0.1", free_port())
            variables = place.variables() | {"PORT": str(address.port)}
            begun = time.perf_counter()
            server = started(variables)
            try:
                await_health(address, server)
                samples.append(Sample(time.perf_counter() - begun, rss_mb(server.pid)))
                if number == plan.repeats - 1:
                    idle = idle_percent(server.pid, idle_seconds(plan))
            finally:
                server.terminate()
                server.wait(LIMIT_SECONDS)
    finally:
        place.close()
    return samples, idle


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


def imports(packages: str) -> Sample:
    """Start Python and import these packages alone."""
    begun = time.perf_counter()
    script = f"import {packages}; {PRINT_PAGES}"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    return Sample(time.perf_counter() - begun, int(run.stdout) * PAGE_MB)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
