"""Refuses what is too long: files and functions, with `--all` classes and folders too.

Classes and folders over their cap are printed by `make check` and refuse nothing yet.
"""

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
    """Check every Python file that git knows or would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"]
    names = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    paths = [path for name in names if (path := Path(name)).exists()]
    faults = [*long_files(paths), *long_functions(paths)]
    printed = [*long_classes(paths), *full_folders(paths)]
    print("\n".join([*faults, *printed]) or "caps: ok")
    return 1 if faults or (printed and "--all" in sys.argv) else 0


if __name__ == "__main__":
    sys.exit(main())
