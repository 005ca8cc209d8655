"""Part of the group `index`: a history that is mostly conversation, and what indexing it must cost
at least: every line parsed, and the same texts put into one full-text table."""

import sqlite3
import time
import zlib
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from statistics import median, quantiles
from typing import cast

import orjson

from bench import corpus
from bench.corpus import CLAUDE, CODEX, OPENCLAW, Corpus
from bench.groups.index_costs import cold_index
from bench.measuring.client import Client
from bench.measuring.plan import Plan
from bench.measuring.rows import Row, Target
from bench.measuring.server import QUICK, server_with
from xo_cowork_core.sdk.testing import LiveServer

MIX = {CLAUDE: 8, CODEX: 1, OPENCLAW: 1}
EVERYWHERE = "everywhere"
SEARCHES = 40


def measure(plan: Plan, environment: dict[str, str]) -> Iterator[Row]:
    """Measure a cold build over conversations, the size of its file, and a very common word."""
    server = server_with(QUICK, environment)
    try:
        made = corpus.build_corpus(
            server.home,
            sessions=plan.pick(2000, 200),
            megabytes=plan.pick(430, 43),
            dumps=False,
            mix=MIX,
            prose=True,
        )
        cold = cold_index(server, made)
        (index,) = server.state.glob("index-*.db")
        texts, least = least_seconds(made, index, server.home / "least.db")
        yield Row(
            "index: cold, text-heavy, over the least possible",
            "times",
            cold.cpu_seconds / least,
            Target(2.5),
            exact=cold.sessions == len(made.files),
            note=f"{made.mb:.0f} MB, {texts:.0f} % of it text; {cold.cpu_seconds:.1f} s CPU, least "
            f"{least:.1f}; {cold.seconds:.1f} s by the clock; RSS +{cold.growth_mb:.0f} MB; "
            f"/health p99 {1000 * quantiles(cold.health, n=100, method='inclusive')[98]:.0f} ms",
        )
        yield Row(
            "index: file over transcripts, text-heavy",
            "times",
            cold.index_mb / made.mb,
            Target(0.4),
        )
        yield _everywhere(server, made)
    finally:
        server.close()


def _everywhere(server: LiveServer, made: Corpus) -> Row:
    """Add one word to every session, then search for it."""
    for number, each in enumerate(made.files):
        each.add_message(f"{EVERYWHERE} {number}", f"00000000-0000-4000-8000-{number:012}")
    path = f"/api/sessions/search?q={EVERYWHERE}"
    client = Client(server)
    until = time.monotonic() + 60
    while cast("int", client.get(path)["total"]) < len(made.files):
        if time.monotonic() > until:
            raise RuntimeError("the word was not found in every session")
        time.sleep(0.2)
    seconds = [client.seconds(path) for _ in range(SEARCHES)]
    client.close()
    return Row(
        f"index: search for a word in each of {len(made.files):,} sessions",
        "ms",
        1000 * median(seconds),
        Target(15),
        note=f"p95 {1000 * quantiles(seconds, n=20)[-1]:.1f} ms",
    )


def least_seconds(made: Corpus, index: Path, target: Path) -> tuple[float, float]:
    """Return the share of text in %, and the CPU seconds to parse every line and to put the texts
    of an index into one full-text table."""
    start = time.process_time()
    for each in made.files:
        for line in each.path.read_bytes().split(b"\n"):
            if line:
                orjson.loads(line)
    spent = time.process_time() - start
    size = 0
    with (
        closing(sqlite3.connect(index)) as source,
        closing(sqlite3.connect(target, isolation_level=None)) as connection,
    ):
        blocks = source.execute("SELECT texts FROM message_texts")
        texts = (text for (block,) in blocks for text in orjson.loads(zlib.decompress(block)))
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(
            "CREATE VIRTUAL TABLE texts USING fts5"
            " (text, content='', tokenize='unicode61 remove_diacritics 2')"
        )
        connection.execute("BEGIN")
        while some := list(islice(texts, 5000)):
            size += sum(len(text.encode()) for text in some)
            start = time.process_time()
            connection.executemany("INSERT INTO texts (text) VALUES (?)", zip(some))
            spent += time.process_time() - start
        start = time.process_time()
        connection.execute("COMMIT")
        spent += time.process_time() - start
    return 100 * size / made.size, spent
