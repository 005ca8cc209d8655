"""Files of a running server, which deletes and replaces its own meanwhile."""

from collections.abc import Iterator
from pathlib import Path


def read_files(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield the files below a folder with their content, without those that are gone by then."""
    for path in sorted(folder.rglob("*")):
        try:
            if path.is_file():
                yield path, path.read_bytes()
        except FileNotFoundError:
            continue
