"""Row group `secrets`: one change of an env file over HTTP, and a hundred at once."""

import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import httpx

from bench.measuring.plan import Plan
from bench.measuring.rows import Baseline, Row, Target
from bench.measuring.server import QUICK, server_with
from xo_cowork_core.sdk.testing import LiveServer

WRITES = 50
PARALLEL = 100
MAX_WRITE_MS = 20
MAX_PARALLEL_SECONDS = 2


def measure(plan: Plan) -> Iterator[Row]:
    """Change one of a hundred keys at a time, then all of them at once."""
    count = plan.pick(WRITES, 10)
    with server_with(QUICK) as server:
        parallel = [_change_all(server, number) for number in range(plan.repeats)]
        writes = sorted(_change(server.client, number) for number in range(count))
        kept = server.client.get("/api/secrets/env/keys").json()["keys"]
    yield Row(
        "secrets: PATCH of one of 100 keys",
        "ms",
        median(writes),
        Target(MAX_WRITE_MS),
        Baseline("ms, write and fsync of a file", _fsync_milliseconds(count)),
        note=f"slowest {writes[-1]:.0f} ms of {count}",
    )
    yield Row(
        "secrets: 100 parallel PATCHes",
        "s",
        max(parallel),
        Target(MAX_PARALLEL_SECONDS),
        exact=len(kept) == PARALLEL,
        note=f"{len(kept)} of {PARALLEL} kept",
    )


def _change(client: httpx.Client, number: int, value: str = "") -> float:
    """Set a key, and return the milliseconds."""
    started = time.perf_counter()
    body = {"value": value or f"value {started}"}
    client.patch(f"/api/secrets/KEY_{number}", json=body).raise_for_status()
    return 1000 * (time.perf_counter() - started)


def _change_all(server: LiveServer, round_number: int) -> float:
    started = time.perf_counter()
    with ThreadPoolExecutor(PARALLEL) as pool:
        jobs = [
            pool.submit(_change, server.client, number, f"value {round_number}")
            for number in range(PARALLEL)
        ]
    for job in jobs:
        job.result()
    return time.perf_counter() - started


def _fsync_milliseconds(count: int) -> float:
    """Return what the disk alone takes for one file of that size."""
    milliseconds: list[float] = []
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder:
        for number in range(count):
            started = time.perf_counter()
            with (Path(folder) / str(number)).open("wb") as file:
                file.write(b"x" * 30 * PARALLEL)
                file.flush()
                os.fsync(file.fileno())
            milliseconds.append(1000 * (time.perf_counter() - started))
    return median(milliseconds)
