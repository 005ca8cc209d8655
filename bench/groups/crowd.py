"""Row group `crowd`: many turns at once, many readers on one turn."""

import asyncio
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from bench.groups.stream import plain_app
from bench.measuring.digests import digest_of_pour
from bench.measuring.frames import decode_body, parse_content
from bench.measuring.plain_app import SLOW_SECONDS
from bench.measuring.plan import Plan
from bench.measuring.proc import PeakMemory, cpu_seconds, settle
from bench.measuring.rows import Baseline, Row, Target
from bench.measuring.server import QUICK, TORRENT, server_with
from bench.measuring.wire import Address, Prompter, encode_get, stream_path, warm_session

TURNS = 50
READERS = 1000
DELTAS = 1000
TEXT_BYTES = 20
END_SECONDS = 60.0
READERS_MODULE = "bench.measuring.readers"
ENDING = " and that is all"


@dataclass(frozen=True, slots=True)
class Sample:
    """One of many turns: seconds to its first delta, its session, whether its text was exact."""

    first: float
    session_id: str
    exact: bool


def measure(plan: Plan) -> Iterator[Row]:
    """Measure turns, then readers."""
    yield from many_turns(plan)
    yield many_readers(plan)


def many_turns(plan: Plan) -> Iterator[Row]:
    """Start turns at once in new sessions (each starts its CLI), then in the same, warm ones."""
    fresh: list[Sample] = []
    warm: list[Sample] = []
    fresh_cpu = warm_cpu = 0.0
    for _ in range(plan.repeats):
        # a server of its own: one that has many idle processes ends some in the meantime
        with server_with(QUICK) as server:
            address = Address.of(server.base_url)
            begun, cpu = batch(server.pid, address, [None] * TURNS)
            fresh, fresh_cpu = fresh + begun, fresh_cpu + cpu
            done, cpu = batch(server.pid, address, [sample.session_id for sample in begun])
            warm, warm_cpu = warm + done, warm_cpu + cpu
    for name, samples, cpu in (("warm", warm, warm_cpu), ("new", fresh, fresh_cpu)):
        yield Row(
            f"crowd: first delta, 50 {name} sessions at once",
            "ms",
            1e3 * median([sample.first for sample in samples]),
            Target(150),
            Baseline("ms, 50 CLIs over pipes", 1e3 * median(list(run_directly(name)))),
            all(sample.exact for sample in samples),
            f"slowest {1e3 * max(sample.first for sample in samples):.0f} ms,"
            f" server CPU {1e3 * cpu / len(samples):.1f} ms a turn",
        )


def batch(pid: int, address: Address, sessions: Sequence[str | None]) -> tuple[list[Sample], float]:
    """Run turns at once; return them and the server's processor seconds."""
    settle(pid)
    before = cpu_seconds(pid)
    samples = asyncio.run(at_once(address, sessions))
    settle(pid)
    return samples, cpu_seconds(pid) - before


async def at_once(address: Address, sessions: Sequence[str | None]) -> list[Sample]:
    """Run one turn in each session, all at the same moment."""
    begin = asyncio.Event()
    turns = [asyncio.create_task(turn(address, begin, n, s)) for n, s in enumerate(sessions)]
    await asyncio.sleep(0.1)
    begin.set()
    async with asyncio.timeout(END_SECONDS):
        return list(await asyncio.gather(*turns))


async def turn(address: Address, begin: asyncio.Event, number: int, session: str | None) -> Sample:
    """Run one turn over two connections that are already open."""
    text = f"turn {number} of {session}"
    up, prompt = await asyncio.open_connection(address.host, address.port)
    down, stream = await asyncio.open_connection(address.host, address.port)
    await begin.wait()
    begun = time.perf_counter()
    body = json.dumps({"text": text, "session_id": session, "agent_name": "claude_code"}).encode()
    prompt.write(_post(address, body))
    answer = json.loads((await up.read()).partition(b"\r\n\r\n")[2])
    stream.write(encode_get(address, stream_path(answer["stream_id"])))
    seen = await down.readuntil(b"event: text-delta")
    first = time.perf_counter() - begun
    content = parse_content(decode_body(seen + await down.read()))
    prompt.close()
    stream.close()
    whole = hashlib.sha256((text + ENDING).encode()).hexdigest()
    return Sample(first, answer["session_id"], content.contiguous and content.text_sha == whole)


def many_readers(plan: Plan) -> Row:
    """Attach many readers to one running turn."""
    count = plan.pick(READERS, READERS // 4)
    seconds = SLOW_SECONDS
    with server_with(TORRENT) as server:
        address = Address.of(server.base_url)
        session = warm_session(address)
        settle(server.pid)
        order = f"pour {DELTAS} {TEXT_BYTES} {seconds}"
        started = Prompter(address).prompt(order, session)
        growth, same, sha = _crowd(server.pid, address, count, stream_path(started.stream_id))
    with plain_app() as (pid, address):
        bare, _, _ = _crowd(pid, address, count, f"/slow/{DELTAS}/{TEXT_BYTES}")
    return Row(
        f"crowd: RSS growth, {count} readers on a turn",
        "MB",
        growth,
        Target(60),
        Baseline("MB, bare app", bare),
        same == count and sha == digest_of_pour(DELTAS, TEXT_BYTES),
        f"{same} of {count} exact",
    )


def _crowd(pid: int, address: Address, count: int, path: str) -> tuple[float, int, str]:
    with PeakMemory(pid) as peak:
        run = subprocess.run(
            [
                sys.executable,
                "-m",
                "bench.measuring.readers",
                address.host,
                str(address.port),
                str(count),
            ],
            input=path,
            capture_output=True,
            text=True,
            check=True,
        )
    crowd = json.loads(run.stdout.splitlines()[-1])
    exact = crowd["content"]["contiguous"] and crowd["content"]["deltas"] == DELTAS
    return peak.growth_mb, crowd["same"] if exact else 0, crowd["content"]["text_sha"]


def run_directly(name: str) -> Iterator[float]:
    """Drive as many CLIs over pipes at once: seconds to each one's first delta."""
    line = b'{"type":"user","message":{"content":[{"type":"text","text":"hello"}]}}\n'
    pipe = subprocess.PIPE
    begun = time.perf_counter()
    children = [subprocess.Popen([QUICK], stdin=pipe, stdout=pipe) for _ in range(TURNS)]
    if name == "warm":
        begun = time.perf_counter()
    for child in children:
        assert child.stdin
        child.stdin.write(line)
        child.stdin.flush()
    for child in children:
        assert child.stdout
        child.stdout.readline()
        yield time.perf_counter() - begun
    for child in children:
        child.communicate()


def _post(address: Address, body: bytes) -> bytes:
    head = (
        f"POST /api/chat/prompt HTTP/1.1\r\nHost: {address.host}:{address.port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + body
