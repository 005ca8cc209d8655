"""Row group `flat`: growth of the server's memory under large inputs."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from bench.measuring.digests import digest_of, digest_of_pour
from bench.measuring.plan import Plan
from bench.measuring.proc import PeakMemory, rss_mb, settle
from bench.measuring.reader import ReaderProcess
from bench.measuring.rows import Row, Target
from bench.measuring.server import TORRENT, server_with
from bench.measuring.wire import Address, Prompter, connect, encode_get, stream_path, warm_session

MB_LIMIT = 40
TEXT_BYTES = 200


@dataclass(frozen=True, slots=True)
class Case:
    """A prompt, the digest of its answer, and whether a reader that never reads is attached."""

    name: str
    text: str
    sha: str
    stuck: bool = False


def cases(plan: Plan) -> Iterator[Case]:
    long = "".join(f"{number:09} " for number in range(100_000))
    count = plan.pick(400_000, 60_000)
    yield Case("a line of 5 MB", "line 5000000", digest_of("x" * 5_000_000))
    yield Case("3 MB on stderr", "stderr 3000000", digest_of("quiet"))
    yield Case("a prompt of 1 MB", long.strip(), digest_of(long.strip()))
    yield Case(
        f"a reader that never reads, {count:,} x {TEXT_BYTES} B",
        f"pour {count} {TEXT_BYTES} 0",
        digest_of_pour(count, TEXT_BYTES),
        stuck=True,
    )


def measure(plan: Plan) -> Iterator[Row]:
    """Measure each case on a server of its own, twice."""
    for case in cases(plan):
        yield row(case)


def row(case: Case) -> Row:
    with server_with(TORRENT) as server:
        address = Address.of(server.base_url)
        session = warm_session(address)
        settle(server.pid)
        with PeakMemory(server.pid) as peak:
            exact = run(case, address, session)
            settle(server.pid)
        left = rss_mb(server.pid)
        exact &= run(case, address, session)
        settle(server.pid)
        again = rss_mb(server.pid) - left
    return Row(
        f"flat: {case.name}",
        "MB",
        peak.growth_mb,
        Target(MB_LIMIT),
        exact=exact,
        note=f"peak of the first run; a second one leaves {again:+.1f} MB",
    )


def run(case: Case, address: Address, session: str) -> bool:
    """Run one turn; return whether its text was exact."""
    with ExitStack() as stack:
        reader = ReaderProcess(address)
        path = stream_path(Prompter(address).prompt(case.text, session).stream_id)
        if case.stuck:
            stuck = stack.enter_context(connect(address))
            stuck.sendall(encode_get(address, path))
        reader.read(path)
        content = reader.reading().content
    return content.contiguous and content.last == "done" and content.text_sha == case.sha
