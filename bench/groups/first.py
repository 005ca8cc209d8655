"""Row group `first`: latency that the server adds to the first delta."""

import json
import os
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench.measuring.plan import Plan
from bench.measuring.rows import Baseline, Row, Target, percentile95
from bench.measuring.server import QUICK, ROOT, fake_model_api, server_with
from bench.measuring.turns import TurnRunner
from bench.measuring.wire import Address

REAL = ".toolchain/bin/claude"
ONE_SHOT = ("-p", "--output-format", "stream-json", "--verbose", "--include-partial-messages")
QUIET = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_AUTOUPDATER": "1",
}
ONE_SHOT_ROW = "first: one-shot CLI over second turn"


def measure(plan: Plan) -> Iterator[Row]:
    """Measure what is added to a CLI that answers at once, then the real one."""
    count = plan.pick(200, 60)
    direct = median(list(run_directly(count)))
    with server_with(QUICK) as server:
        turn_runner = TurnRunner(Address.of(server.base_url), "claude_code", "hello")
        through = list(turn_runner.first_deltas(count))
    added = [seconds - direct for seconds in through]
    baseline = Baseline("ms, CLI over a pipe", 1e3 * direct)
    note = f"{count} turns"
    yield Row(
        "first: added to a warm CLI, median",
        "ms",
        1e3 * median(added),
        Target(5),
        baseline,
        note=note,
    )
    yield Row(
        "first: added to a warm CLI, p95",
        "ms",
        1e3 * percentile95(added),
        Target(15),
        baseline,
        note=note,
    )
    yield real(plan)


def run_directly(count: int) -> Iterator[float]:
    """Drive the warm CLI over a pipe; return the seconds to its first delta in each turn."""
    with subprocess.Popen([QUICK], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as cli:
        assert cli.stdin
        assert cli.stdout
        content = [{"type": "text", "text": "hello"}]
        record = {"type": "user", "message": {"role": "user", "content": content}}
        line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        for _ in range(count):
            begun = time.perf_counter()
            cli.stdin.write(line)
            cli.stdin.flush()
            _until(cli.stdout, b"text_delta")
            yield time.perf_counter() - begun
            _until(cli.stdout, b'"result"')
        cli.stdin.close()


def real(plan: Plan) -> Row:
    """Measure the real CLI: a one-shot run beside the second turn of a session."""
    target = Target(5, at_least=True)
    binary = Path(os.environ.get("CLAUDE_CLI_PATH", "") or ROOT / REAL)
    if not binary.exists():
        return Row(ONE_SHOT_ROW, "times", target=target, note="no real CLI here: `make toolchain`")
    with fake_model_api() as model:
        keys = {"ANTHROPIC_BASE_URL": model, "ANTHROPIC_API_KEY": "bench"}
        cold = median([one_shot(binary, keys) for _ in range(plan.repeats)])
        with server_with(binary, keys) as server:
            turn_runner = TurnRunner(Address.of(server.base_url), "claude_code", "[[text hello]]")
            warm = median(list(turn_runner.first_deltas(plan.repeats)))
    note = f"one-shot {1e3 * cold:.0f} ms, second turn {1e3 * warm:.0f} ms"
    return Row(ONE_SHOT_ROW, "times", cold / warm, target, note=note)


def one_shot(binary: Path, keys: Mapping[str, str]) -> float:
    """Run the real CLI for one prompt: seconds from its start to its first delta."""
    with tempfile.TemporaryDirectory() as home, _running(binary, home, keys) as cli:
        assert cli.stdin
        assert cli.stdout
        begun = time.perf_counter()
        cli.stdin.write(b"[[text hello]]")
        cli.stdin.close()
        _until(cli.stdout, b"text_delta")
        return time.perf_counter() - begun


@contextmanager
def _running(binary: Path, home: str, keys: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    environment = {"PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8", **QUIET, **keys}
    arguments = [str(binary), *ONE_SHOT, "--session-id", str(uuid.uuid4())]
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    child = subprocess.Popen(
        arguments, env=environment, cwd=home, stdin=pipe, stdout=pipe, stderr=nothing
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def _until(lines: Iterator[bytes] | Sequence[bytes], mark: bytes) -> None:
    for line in lines:
        if mark in line:
            return
    raise RuntimeError("the CLI ended before it answered")
