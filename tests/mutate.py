"""Changes one thing at a time in the last commit's code and lists the changes that no test detects.

`python tests/mutate.py --count 60 --seed 1` spreads the changes evenly over the areas of the code.
It works in a clone in a temporary folder with an environment of its own; nothing here is changed.
The same seed on the same commit selects the same changes.

For each change it runs the tests of its area. With `--all-tests`, those that no test of their area
detects are tried with all tests but those of real programs, pages and packages. Each run lasts at
most four times its duration with no change; one that takes longer counts as a failure. A test that
fails must fail again alone, otherwise the machine was busy and the others run without it.
"""

import argparse
import ast
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOT_MUTATED = ("examples.py",)
BASELINE_SECONDS = 900.0
LEAST_SECONDS = 60.0
SLOWER = 4
FAILURE = re.compile(r"^(?:FAILED|ERROR) ((?:tests|plugins)/.+?)(?: - .*)?$", re.MULTILINE)
DOCUMENTATION = {"example", "examples", "description", "summary", "title", "responses"}
FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the code and the tests that belong to it, the fastest first."""

    name: str
    sources: str
    tests: str

    def modules(self, root: Path) -> list[Path]:
        """Return the area's modules, relative to the root."""
        files = sorted(root.glob(f"{self.sources}/**/*.py"))
        return [f.relative_to(root) for f in files if f.name not in NOT_MUTATED]


CORE = "xo_cowork_core"
SERVICES = f"{CORE}/services"
FAST = "not real and not fault"
ALL_TESTS = (
    "tests plugins --ignore=tests/real --ignore=tests/docs --ignore=tests/packaging"
    " --ignore=tests/bench --ignore=tests/third_party"
)
NO_PROGRAMS = "not real"
AREAS = (
    Area(
        "services/turns",
        f"{SERVICES}/turns",
        "tests/services/turns tests/wire/test_chat.py tests/wire/test_idempotency.py"
        " tests/broken_plugins/test_events.py tests/broken_plugins/test_endings.py"
        " tests/broken_plugins/test_edits.py tests/sdk/test_scripted_contract.py",
    ),
    Area(
        "services/index",
        f"{SERVICES}/index",
        "tests/services/index tests/wire/sessions tests/wire/usage"
        " tests/broken_plugins/test_transcripts.py",
    ),
    Area(
        "services/eventlog",
        f"{SERVICES}/eventlog",
        "tests/services/eventlog tests/wire/test_chat.py tests/sdk/test_scripted_contract.py",
    ),
    Area(
        "services/sessions",
        f"{SERVICES}/sessions",
        "tests/services/sessions tests/wire/sessions tests/broken_plugins/test_histories.py",
    ),
    Area(
        "services/connectors",
        f"{SERVICES}/connectors",
        "tests/services/connectors tests/services/auth_flows/test_flows.py",
    ),
    Area(
        "services/auth_flows",
        f"{SERVICES}/auth_flows",
        "tests/services/auth_flows tests/wire/connectors/test_flows.py",
    ),
    Area("services/config", f"{SERVICES}/config", "tests/services/config tests/wire/config"),
    Area("services/files", f"{SERVICES}/files", "tests/services/files tests/wire/files"),
    Area("services/processes", f"{SERVICES}/processes", "tests/services/processes"),
    Area(
        "storage",
        f"{CORE}/storage",
        "tests/storage tests/services/secrets tests/services/eventlog tests/wire/test_keys.py"
        " tests/wire/files/test_files.py tests/wire/files/test_files_folders.py"
        " tests/wire/files/test_files_uploads.py",
    ),
    Area(
        "sdk/kit",
        f"{CORE}/sdk/kit",
        "tests/sdk/kit tests/sdk/acp plugins/runtime_claude plugins/runtime_codex",
    ),
    Area("api", f"{CORE}/api", "tests/api tests/wire"),
    Area("host", f"{CORE}/host", "tests/host tests/cli tests/broken_plugins"),
    Area("plugins", "plugins/runtime_claude/xo_*", "plugins/runtime_claude"),
    Area("plugins", "plugins/runtime_codex/xo_*", "plugins/runtime_codex"),
    Area("plugins", "plugins/runtime_openclaw/xo_*", "plugins/runtime_openclaw"),
    Area("plugins", "plugins/runtime_demo/xo_*", "plugins/runtime_demo tests/wire/test_chat.py"),
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: the bytes of a node, and the text that replaces them."""

    area: Area
    path: Path
    line: int
    start: int
    end: int
    text: str
    kind: str

    def apply(self, source: bytes) -> bytes:
        return source[: self.start] + self.text.encode() + source[self.end :]

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.kind}: {self.text[:80]}"


@dataclass(frozen=True, slots=True)
class Result:
    """A change and the test that failed; empty when none did."""

    mutant: Mutant
    failure: str


def mutants(root: Path, area: Area) -> Iterator[Mutant]:
    """Yield every change of an area."""
    for path in area.modules(root):
        source = (root / path).read_bytes()
        starts = [0]
        for line in source.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        for node in _nodes(ast.parse(source)):
            for text, kind in _changes(node):
                place = node.test if isinstance(node, ast.If) else node
                start = starts[place.lineno - 1] + place.col_offset
                end = starts[place.end_lineno - 1] + place.end_col_offset
                yield Mutant(area, path, place.lineno, start, end, text, kind)


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs: no annotations, no texts of f-strings, no log calls, no documentation, no
    limits of time and size."""
    for name, value in ast.iter_fields(tree):
        if name in {"annotation", "returns", "decorator_list"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, ast.JoinedStr):
                continue
            if not (_is_log_call(child) or _is_documentation(child) or _is_limit(child)):
                yield child
                yield from _nodes(child)


def _is_log_call(node: ast.AST) -> bool:
    if not isinstance(node, ast.Expr):
        return False
    if isinstance(node.value, ast.Constant):
        return True
    call = node.value
    return (
        isinstance(call, ast.Call) and re.search(r"\blog\.\w+$", ast.unparse(call.func)) is not None
    )


def _is_documentation(node: ast.AST) -> bool:
    return isinstance(node, ast.keyword) and node.arg in DOCUMENTATION


def _is_limit(node: ast.AST) -> bool:
    """Return whether a node names a number, such as `STOP_SECONDS`: a test sets it, or is far from
    it, and a little more or less is as good."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant() | ast.BinOp()):
            return name.isupper()
        case _:
            return False


def _changes(node: ast.AST) -> Iterator[tuple[str, str]]:
    match node:
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            flipped = ast.Compare(left, [FLIPPED[type(operator)]()], [right])
            yield f"({ast.unparse(flipped)})", "flip a comparison"
        case ast.BoolOp(op=operator, values=values):
            other = ast.Or() if isinstance(operator, ast.And) else ast.And()
            yield f"({ast.unparse(ast.BoolOp(other, values))})", "swap and/or"
        case ast.If(test=test):
            yield f"(not ({ast.unparse(test)}))", "negate a condition"
        case ast.Constant(value=bool() as value):
            yield str(not value), "swap a constant"
        case ast.Constant(value=int() as value):
            yield str(value + 1), "swap a constant"
        case ast.Constant(value=float() as value):
            # a limit of time: one more second would change nothing
            yield str(value * 10), "swap a constant"
        case ast.Expr(value=ast.Await(value=value)):
            yield f"({ast.unparse(value)}).close()", "remove an await"
        case ast.Expr(value=ast.Call()):
            yield "pass", "drop a call"
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield "return None", "drop a returned value"


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def choose(root: Path, count: int, seed: int, only: str = "") -> list[Mutant]:
    """Return `count` changes, the same number in each area."""
    pools: dict[str, list[Mutant]] = {}
    for area in AREAS:
        if area.name.startswith(only):
            pools.setdefault(area.name, []).extend(mutants(root, area))
    dice = random.Random(seed)
    share, more = divmod(count, len(pools))
    return [
        mutant
        for number, pool in enumerate(pools.values())
        for mutant in dice.sample(pool, min(len(pool), share + (number < more)))
    ]


@dataclass(slots=True)
class Trial:
    """Runs tests over the code of a clone: those of an area, then all if wanted."""

    clone: Path
    workers: int
    all_tests: bool
    _limits: dict[str, float] = field(default_factory=dict)

    def run(self, mutant: Mutant) -> Result:
        """Return the tests' verdict on a change."""
        runs = [(mutant.area.tests, FAST)]
        if self.all_tests:
            runs.append((ALL_TESTS, NO_PROGRAMS))
        limits = [self._limit(*run) for run in runs]
        file = self.clone / mutant.path
        source = file.read_bytes()
        file.write_bytes(mutant.apply(source))
        try:
            failures = (
                self._repeated_failure(*run, limit) for run, limit in zip(runs, limits, strict=True)
            )
            return Result(mutant, next(filter(None, failures), ""))
        finally:
            file.write_bytes(source)

    def _limit(self, tests: str, markers: str) -> float:
        """Return how long a run of these tests may take, in seconds."""
        if tests not in self._limits:
            started = time.monotonic()
            failure = self._repeated_failure(tests, markers, BASELINE_SECONDS)
            if failure:
                raise SystemExit(f"{failure} fails without a change")
            seconds = time.monotonic() - started
            print(f"{tests}: {seconds:.0f} s without a change", flush=True)
            self._limits[tests] = max(LEAST_SECONDS, SLOWER * seconds)
        return self._limits[tests]

    def _repeated_failure(self, tests: str, markers: str, seconds: float) -> str:
        """Run tests; return the first that fails twice, or an empty string."""
        left_out: list[str] = []
        while True:
            chosen = [*tests.split(), "-m", markers, *(f"--deselect={test}" for test in left_out)]
            failure = self._failure(["-n", str(self.workers), *chosen], seconds)
            if "::" not in failure or self._failure(["-n", "0", failure], seconds):
                return failure
            left_out.append(failure)

    def _failure(self, arguments: Sequence[str], seconds: float) -> str:
        """Run tests; return the first that fails, or an empty string."""
        command = [".venv/bin/python", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
        run = subprocess.Popen(
            [*command, *arguments],
            cwd=self.clone,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = run.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)
            run.communicate()
            return f"no end after {seconds:.0f} s"
        if run.returncode in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED):
            raise SystemExit(f"no such tests: {' '.join(arguments)}\n{output}")
        if run.returncode == 0:
            return ""
        named = FAILURE.search(output)
        return named[1] if named else f"exit code {run.returncode}"


def report(results: Sequence[Result]) -> str:
    """Return the survivors by area, and the score."""
    lines: list[str] = []
    for name in dict.fromkeys(area.name for area in AREAS):
        own = [result for result in results if result.mutant.area.name == name]
        survivors = [result.mutant for result in own if not result.failure]
        if own:
            lines.append(f"{name}: {len(own) - len(survivors)} of {len(own)} noticed")
            lines += [f"  {mutant}" for mutant in survivors]
    noticed = sum(1 for result in results if result.failure)
    return "\n".join([*lines, f"score: {noticed} of {len(results)}"])


def main() -> None:
    """Choose the changes, try each, print the report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--area", default="", help="only areas whose name starts with this")
    parser.add_argument(
        "--all-tests", action="store_true", help="try survivors with the other areas' tests too"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="xo-mutants-") as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        subprocess.run(["make", "--quiet", "setup"], cwd=clone, check=True)
        trial = Trial(clone, arguments.workers, arguments.all_tests)
        results: list[Result] = []
        for mutant in choose(clone, arguments.count, arguments.seed, arguments.area):
            started = time.monotonic()
            result = trial.run(mutant)
            results.append(result)
            seconds = time.monotonic() - started
            print(f"{seconds:4.0f} s  {result.failure or 'SURVIVED'}  {mutant}", flush=True)
    print(report(results))


if __name__ == "__main__":
    sys.exit(main())
