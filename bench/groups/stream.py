"""Row group `stream`: one turn that prints as fast as it can, to one reader over HTTP."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.measuring.plan import Plan
from bench.measuring.proc import cpu_seconds, settle
from bench.measuring.reader import ReaderProcess
from bench.measuring.rows import Baseline, Row, Target
from bench.measuring.server import TORRENT, server_with
from bench.measuring.wire import Address, Prompter, stream_path, warm_session
from xo_cowork_core.sdk.testing.process_tree import eventually

TEXT_BYTES = 12


@dataclass(frozen=True, slots=True)
class Sample:
    """One stream: events a second, the server's processor time for each, whether it was exact."""

    rate: float
    cpu_us: float
    exact: bool


def measure(plan: Plan) -> Iterator[Row]:
    """Measure throughput and CPU, of the server and of a bare app."""
    count = plan.pick(200_000, 50_000)
    ours = turns(plan, count)
    with plain_app() as (pid, address):
        single = [fetch(pid, address, "single", count) for _ in range(plan.repeats)]
        joined = [fetch(pid, address, "joined", count) for _ in range(plan.repeats)]
    exact = all(sample.exact for sample in ours)
    rate = median([sample.rate for sample in ours])
    cpu = median([sample.cpu_us for sample in ours])
    one = Baseline("/s, bare app, one send each", median([sample.rate for sample in single]))
    some = Baseline("/s, bare app, 64 KiB a send", median([sample.rate for sample in joined]))
    one_us = Baseline("µs, bare app, one send each", median([sample.cpu_us for sample in single]))
    some_us = Baseline("µs, bare app, 64 KiB a send", median([sample.cpu_us for sample in joined]))
    yield Row(
        "stream: deltas to one reader", "/s", rate, Target(100_000, at_least=True), one, exact
    )
    yield Row("stream: the same, beside joined frames", "/s", rate, None, some, exact)
    yield Row("stream: server CPU per delta", "µs", cpu, Target(10), one_us, exact)
    yield Row("stream: the same, beside joined frames", "µs", cpu, None, some_us, exact)


def turns(plan: Plan, count: int) -> list[Sample]:
    """Run the same turn repeatedly on one warm process."""
    with server_with(TORRENT) as server:
        address = Address.of(server.base_url)
        order = f"pour {count} {TEXT_BYTES} 0"
        session = warm_session(address)
        samples = [turn(server.pid, address, order, session) for _ in range(plan.repeats + 1)]
    # the first one pays for the words that the CLI makes
    return samples[1:]


def turn(pid: int, address: Address, order: str, session: str) -> Sample:
    """Run one turn."""
    reader, prompter = ReaderProcess(address), Prompter(address)
    settle(pid)
    before, begun = cpu_seconds(pid), time.monotonic()
    reader.read(stream_path(prompter.prompt(order, session).stream_id))
    seen = reader.reading()
    settle(pid)
    count = int(order.split()[1])
    content = seen.content
    exact = content.contiguous and content.deltas == count and content.last == "done"
    return Sample(count / (seen.last_at - begun), 1e6 * (cpu_seconds(pid) - before) / count, exact)


def fetch(pid: int, address: Address, kind: str, count: int) -> Sample:
    """Read the bare app's stream of the same frames."""
    reader = ReaderProcess(address)
    settle(pid)
    before = cpu_seconds(pid)
    reader.read(f"/{kind}/{count}/{TEXT_BYTES}")
    seen = reader.reading()
    rate = count / (seen.last_at - seen.first_at)
    return Sample(rate, 1e6 * (cpu_seconds(pid) - before) / count, seen.content.deltas == count)


@contextmanager
def plain_app() -> Iterator[tuple[int, Address]]:
    """Run the bare app."""
    with tempfile.TemporaryDirectory() as folder:
        port = Path(folder, "port")
        child = subprocess.Popen([sys.executable, "-m", "bench.measuring.plain_app", str(port)])
        try:
            eventually(lambda: port.exists() and bool(port.read_text()), 20, "the bare app's port")
            yield child.pid, Address("127.0.0.1", int(port.read_text()))
        finally:
            child.kill()
            child.wait()
