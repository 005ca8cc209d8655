"""The benchmarks run, print their rows and words, and never fail for a slow machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.measuring.rows import Baseline, Row, Target, table

ROOT = Path(__file__).parents[2]
WORDS = {"reached", "not reached", "not measured"}
ROWS = [
    "start: to the first /health",
    "start: over importing the packages",
    "start: RSS then",
    "start: idle CPU",
    "first: added to a warm CLI, median",
    "first: added to a warm CLI, p95",
    "first: one-shot CLI over second turn",
]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *arguments]
    # the real CLI is for tests/real: here its row must report that it is absent
    environment = os.environ | {"CLAUDE_CLI_PATH": str(ROOT / "no" / "claude")}
    return subprocess.run(
        command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=110
    )


def test_the_cheap_groups_print_a_word_beside_each_target(tmp_path: Path) -> None:
    report = tmp_path / "rows.json"
    run = bench("start", "first", "--quick", "--json", str(report))
    assert run.returncode == 0, run.stdout + run.stderr
    assert "load" in run.stdout.splitlines()[0]
    rows = json.loads(report.read_text())["rows"]
    assert [row["name"] for row in rows] == ROWS
    assert {row["verdict"] for row in rows} <= WORDS
    for row in rows:
        line = next(line for line in run.stdout.splitlines() if line.startswith(row["name"]))
        assert row["verdict"] in line
        assert (row["value"] is None) == (row["verdict"] == "not measured")
    assert "make toolchain" in rows[-1]["note"]


def test_an_unknown_group_is_refused_with_the_known_ones_named() -> None:
    run = bench("speed")
    assert run.returncode == 2
    assert "no such group: speed" in run.stderr


@pytest.mark.parametrize(
    ("value", "at_least", "exact", "word"),
    [
        (5.0, False, True, "reached"),
        (5.1, False, True, "not reached"),
        (5.0, True, True, "reached"),
        (4.9, True, True, "not reached"),
        (4.0, False, False, "not reached"),
        (None, False, True, "not measured"),
    ],
)
def test_a_row_describes_its_number(
    value: float | None, at_least: bool, exact: bool, word: str
) -> None:
    row = Row("a row", "ms", value, Target(5, at_least), exact=exact)
    assert row.verdict == word


def test_a_baseline_gives_the_ratio_in_the_table() -> None:
    text = table([Row("a row", "ms", 3, Target(5), Baseline("ms, bare", 1.5))])
    assert text.splitlines()[1].split()[-1] == "2.00"
