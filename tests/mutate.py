"""Changes one thing at a time in the last commit's code and lists what no test notices.

`python tests/mutate.py --count 60 --seed 1`. It works in a clone in a temporary folder with an
environment of its own; nothing here is changed. The same seed on the same commit picks the same.
"""

import argparse
import ast
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = ("xo_cowork_core", "plugins/*/xo_*")
NOT_MUTATED = ("xo_cowork_core/sdk/testing",)
TEST_SECONDS = 900
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
# the first prefix that fits names the tests of a module
TESTS = (
    ("xo_cowork_core/storage", "tests/storage tests/wire/files tests/services/eventlog"),
    ("xo_cowork_core/services/files", "tests/services/files tests/wire/files"),
    ("xo_cowork_core/services/projects", "tests/services/projects tests/wire/projects"),
    ("xo_cowork_core/services/usage", "tests/wire/usage tests/wire/projects"),
    ("xo_cowork_core/services/index", "tests/services/index tests/wire/sessions tests/wire/usage"),
    ("xo_cowork_core/services/sessions", "tests/services/sessions tests/wire/sessions"),
    ("xo_cowork_core/services/history", "tests/wire/sessions tests/broken_plugins"),
    ("xo_cowork_core/services/eventlog", "tests/services/eventlog tests/sdk"),
    ("xo_cowork_core/services/turns", "tests/wire tests/sdk"),
    ("xo_cowork_core/services/processes", "tests/services/processes tests/sdk"),
    ("xo_cowork_core/services/runtimes", "tests/broken_plugins tests/wire/test_agents.py"),
    ("xo_cowork_core/services/secrets", "tests/services/secrets tests/wire/test_keys.py"),
    ("xo_cowork_core/services", "tests/services tests/wire"),
    ("xo_cowork_core/host/plugins", "tests/host tests/broken_plugins"),
    ("xo_cowork_core/host", "tests/host tests/cli"),
    ("xo_cowork_core/cli", "tests/cli tests/host"),
    ("xo_cowork_core/api/streaming", "tests/api tests/sdk"),
    ("xo_cowork_core/api", "tests/api tests/wire"),
    ("xo_cowork_core/sdk", "tests/sdk tests/broken_plugins"),
    ("xo_cowork_core", "tests/cli tests/host"),
    ("plugins/runtime_claude", "plugins/runtime_claude tests/real/claude"),
    ("plugins/runtime_codex", "plugins/runtime_codex tests/real/codex"),
    ("plugins/runtime_openclaw", "plugins/runtime_openclaw tests/real/openclaw"),
    ("plugins/runtime_demo", "plugins/runtime_demo tests/wire/test_chat.py"),
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: the bytes of a node, and what stands there instead."""

    path: Path
    line: int
    start: int
    end: int
    text: str
    kind: str

    @property
    def area(self) -> str:
        return "/".join(self.path.parent.parts[:3])

    def apply(self, source: bytes) -> bytes:
        return source[: self.start] + self.text.encode() + source[self.end :]


def mutants(root: Path, path: Path) -> Iterator[Mutant]:
    """Yield every change of one file."""
    source = (root / path).read_bytes()
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node in _nodes(ast.parse(source)):
        for text, kind in _changes(node):
            if isinstance(node, ast.If):
                node = node.test  # noqa: PLW2901
            start = starts[node.lineno - 1] + node.col_offset
            end = starts[node.end_lineno - 1] + node.end_col_offset
            yield Mutant(path, node.lineno, start, end, text, kind)


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs: no annotations, no texts of f-strings, no log calls."""
    for field, value in ast.iter_fields(tree):
        if field in {"annotation", "returns", "decorator_list"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, ast.JoinedStr) or _logs(child):
                continue
            yield child
            yield from _nodes(child)


def _logs(node: ast.AST) -> bool:
    if not isinstance(node, ast.Expr):
        return False
    if isinstance(node.value, ast.Constant):
        return True
    return isinstance(node.value, ast.Call) and ast.unparse(node.value.func).startswith("log.")


def _changes(node: ast.AST) -> Iterator[tuple[str, str]]:
    match node:
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            flipped = ast.Compare(left, [FLIPPED[type(operator)]()], [right])
            yield f"({ast.unparse(flipped)})", "flip a comparison"
        case ast.BoolOp(op=operator, values=values):
            other = ast.Or() if isinstance(operator, ast.And) else ast.And()
            yield f"({ast.unparse(ast.BoolOp(other, values))})", "swap and/or"
        case ast.If(test=test):
            yield f"not ({ast.unparse(test)})", "negate a condition"
        case ast.Constant(value=bool() as value):
            yield str(not value), "swap a constant"
        case ast.Constant(value=int() | float() as value):
            yield str(value + 1), "swap a constant"
        case ast.Expr(value=ast.Await(value=value)):
            yield f"({ast.unparse(value)}).close()", "remove an await"
        case ast.Expr(value=ast.Call()):
            yield "pass", "drop a call"
        case ast.Return(value=ast.expr()):
            yield "return None", "drop a returned value"


def all_mutants(root: Path) -> list[Mutant]:
    """Return every change of every module that is not a test."""
    files = [file for pattern in SOURCES for file in sorted(root.glob(f"{pattern}/**/*.py"))]
    paths = [file.relative_to(root) for file in files]
    return [m for p in paths if not str(p).startswith(NOT_MUTATED) for m in mutants(root, p)]


def tests_of(path: Path) -> Sequence[str]:
    """Return the tests that belong to a module."""
    return next(tests for prefix, tests in TESTS if str(path).startswith(prefix)).split()


def survives(clone: Path, mutant: Mutant, workers: int) -> bool:
    """Run the tests over one change; True when they pass."""
    file = clone / mutant.path
    source = file.read_bytes()
    file.write_bytes(mutant.apply(source))
    command = [".venv/bin/python", "-m", "pytest", "-q", "-x", "-n", str(workers)]
    command += ["-m", "not real and not fault", *tests_of(mutant.path)]
    try:
        run = subprocess.run(
            command, cwd=clone, timeout=TEST_SECONDS, check=False, stdout=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return False
    finally:
        file.write_bytes(source)
    return run.returncode == 0


def report(results: Sequence[tuple[Mutant, bool]]) -> str:
    """Return the survivors by area, and the score."""
    by_area: dict[str, list[tuple[Mutant, bool]]] = defaultdict(list)
    for mutant, survived in results:
        by_area[mutant.area].append((mutant, survived))
    lines = []
    for area, own in sorted(by_area.items()):
        lines.append(f"{area}: {sum(not survived for _, survived in own)} of {len(own)} noticed")
        lines += [
            f"  {m.path}:{m.line}: {m.kind}: {m.text[:80]}" for m, survived in own if survived
        ]
    noticed = sum(not survived for _, survived in results)
    return "\n".join([*lines, f"score: {noticed} of {len(results)}"])


def main() -> None:
    """Choose the changes, try each, print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="xo-mutants-") as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        subprocess.run(["make", "--quiet", "setup"], cwd=clone, check=True)
        chosen = random.Random(arguments.seed).sample(all_mutants(clone), arguments.count)
        results = []
        for mutant in chosen:
            started = time.monotonic()
            survived = survives(clone, mutant, arguments.workers)
            results.append((mutant, survived))
            word = "SURVIVED" if survived else "noticed"
            seconds = time.monotonic() - started
            print(f"{word} in {seconds:.0f} s: {mutant.path}:{mutant.line}: {mutant.kind}")
            sys.stdout.flush()
    print(report(results))


if __name__ == "__main__":
    main()
