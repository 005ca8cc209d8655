"""Refuses files, functions, classes and folders over their caps; run by `make check`."""

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

FILE_LINES = 400
FUNCTION_LINES = 40
CLASS_LINES = 200
FOLDER_MODULES = 20
Function = ast.FunctionDef | ast.AsyncFunctionDef


def long_files(paths: Sequence[Path]) -> Iterator[str]:
    """Yield the files over the cap."""
    for path in paths:
        lines = len(path.read_text().splitlines())
        if lines > FILE_LINES:
            yield f"{path}: {lines} lines, at most {FILE_LINES}"


def long_functions(paths: Sequence[Path]) -> Iterator[str]:
    """Yield the functions over the cap."""
    yield from _long_nodes(paths, Function, FUNCTION_LINES)


def long_classes(paths: Sequence[Path]) -> Iterator[str]:
    """Yield the classes over the cap."""
    yield from _long_nodes(paths, ast.ClassDef, CLASS_LINES)


def full_folders(paths: Sequence[Path]) -> Iterator[str]:
    """Yield the folders with too many modules; `__init__.py` is not counted."""
    counts = Counter(path.parent for path in paths if path.name != "__init__.py")
    for folder, count in sorted(counts.items()):
        if count > FOLDER_MODULES:
            yield f"{folder}: {count} modules, at most {FOLDER_MODULES}"


def _long_nodes(paths: Sequence[Path], kind: type, limit: int) -> Iterator[str]:
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, Function | ast.ClassDef) and isinstance(node, kind):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > limit:
                    yield f"{path}:{node.lineno}: {node.name} has {length} lines, at most {limit}"


def main() -> int:
    """Check every Python file that git tracks or would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"]
    names = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    paths = [Path(name) for name in names if name and Path(name).exists()]
    checks = (long_files, long_functions, long_classes, full_folders)
    faults = [fault for check in checks for fault in check(paths)]
    print("\n".join(faults) or "caps: ok")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
