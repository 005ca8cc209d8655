"""Row group `index`: lists, search, usage and messages over a large history of three runtimes,
and what it costs.

The corpus is made for the run; the server reads it as it would a person's home.
"""

import time
from collections.abc import Iterator, Sequence
from statistics import median, quantiles

import orjson

from bench import corpus
from bench.corpus import Corpus, SessionFile
from bench.groups import index_conversations
from bench.groups.index_costs import (
    ColdBuild,
    cold_index,
    empty_start_seconds,
    findable_seconds,
    idle_percent,
    warm_seconds,
)
from bench.measuring.client import Client
from bench.measuring.plan import Plan
from bench.measuring.rows import Baseline, Row, Target
from bench.measuring.server import QUICK, server_with
from xo_cowork_core.sdk.testing import LiveServer

# OpenClaw's files are read where no gateway runs
NO_GATEWAY = {"OPENCLAW_GATEWAY_URL": "ws://127.0.0.1:9"}
SEARCHED = (3, 20, 100, 400, 1500, 3500)


def measure(plan: Plan) -> Iterator[Row]:
    """Measure a large history, then many short sessions, then one of conversations."""
    server = server_with(QUICK, NO_GATEWAY)
    try:
        start = empty_start_seconds(server)
        made = corpus.build_corpus(
            server.home, sessions=plan.pick(2000, 200), megabytes=plan.pick(415, 41)
        )
        parse, listing = baseline(made.files)
        yield from _cold(cold_index(server, made, start), made, parse)
        yield from _answers(server, made, plan, listing)
        yield Row(
            "index: a new message is findable", "s", findable_seconds(server, made), Target(1)
        )
        yield Row("index: idle CPU", "%", idle_percent(server, plan.pick(10, 5)), Target(0.5))
        warm, empty = warm_seconds(server)
        yield Row(
            "index: restart, unchanged",
            "s CPU",
            warm - empty,
            Target(0.3),
            note=f"{warm:.2f} s CPU to a true list; {empty:.2f} s with an empty home",
        )
    finally:
        server.close()
    yield from _many(plan)
    yield from index_conversations.measure(plan, NO_GATEWAY)


def _cold(cold: ColdBuild, made: Corpus, parse: float) -> Iterator[Row]:
    yield Row(
        "index: cold, on one core",
        "MB/s CPU",
        made.mb / cold.cpu_seconds,
        Target(80, at_least=True),
        Baseline("MB/s CPU, orjson.loads of every line", parse),
        exact=cold.sessions == len(made.files),
        note=f"{made.mb:.0f} MB, {len(made.files):,} sessions, {cold.seconds:.1f} s by the clock, "
        f"file {cold.index_mb:.0f} MB, RSS +{cold.growth_mb:.0f} MB",
    )
    yield Row(
        "index: /health meanwhile, p99",
        "ms",
        1000 * quantiles(cold.health, n=100, method="inclusive")[98],
        Target(50),
        note=f"{len(cold.health):,} requests, slowest {1000 * max(cold.health):.0f} ms",
    )


def _answers(server: LiveServer, made: Corpus, plan: Plan, listing: float) -> Iterator[Row]:
    client = Client(server)
    times = plan.pick(200, 60)
    few = made.files[:: max(1, len(made.files) // 10)][:10]
    rows = (
        ("list of 50", ["/api/sessions"], 5.0),
        ("search", [f"/api/sessions/search?q={made.words[n]}" for n in SEARCHED], 20.0),
        ("usage, 30 days", ["/api/usage?days=30"], 10.0),
        ("newest messages", [f"/api/messages/{each.session_id}" for each in few], 10.0),
        ("newest messages of 2.5 MB", [f"/api/messages/{made.big}"], 10.0),
    )
    for name, paths, limit in rows:
        seconds = [client.seconds(paths[n % len(paths)]) for n in range(times)]
        yield Row(
            f"index: {name}",
            "ms",
            1000 * median(seconds),
            Target(limit),
            Baseline("ms, listing by parsing all", 1000 * listing) if name[0] == "l" else None,
            note=f"p95 {1000 * quantiles(seconds, n=20)[-1]:.1f} ms",
        )
    client.close()


def _many(plan: Plan) -> Iterator[Row]:
    server = server_with(QUICK, NO_GATEWAY)
    try:
        made = corpus.build_corpus(
            server.home,
            sessions=plan.pick(20_000, 2000),
            megabytes=plan.pick(160, 16),
            dumps=False,
        )
        cold_index(server, made)
        client = Client(server)
        seconds = [client.seconds("/api/sessions") for _ in range(plan.pick(600, 200))]
        client.close()
        yield Row(
            f"index: list of 50 among {len(made.files):,}",
            "ms",
            1000 * median(seconds),
            Target(10),
            note=f"p95 {1000 * quantiles(seconds, n=20)[-1]:.1f} ms",
        )
    finally:
        server.close()


def baseline(files: Sequence[SessionFile]) -> tuple[float, float]:
    """Return MB for a second of CPU when every line is parsed, and the seconds that a list takes
    which is made so."""
    begun, cpu = time.perf_counter(), time.process_time()
    size = 0
    for made in files:
        body = made.path.read_bytes()
        size += len(body)
        for line in body.split(b"\n"):
            if line:
                orjson.loads(line)
    return size / 1e6 / (time.process_time() - cpu), time.perf_counter() - begun
