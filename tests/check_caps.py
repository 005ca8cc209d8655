"""Refuses files over 400 lines and functions over 40; run by `make check`."""

import ast
import subprocess
import sys
from pathlib import Path

FILE_LINES = 400
FUNCTION_LINES = 40
Function = ast.FunctionDef | ast.AsyncFunctionDef


def faults(path: Path) -> list[str]:
    """Return what is too long in one file."""
    source = path.read_text()
    found = []
    lines = len(source.splitlines())
    if lines > FILE_LINES:
        found.append(f"{path}: {lines} lines, at most {FILE_LINES}")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                found.append(f"{path}:{node.lineno}: {node.name} has {length} lines")
    return found


def main() -> int:
    """Check every Python file that git knows or would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"]
    names = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    found = [
        fault for name in names if name and Path(name).exists() for fault in faults(Path(name))
    ]
    print("\n".join(found) or "caps: ok")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
