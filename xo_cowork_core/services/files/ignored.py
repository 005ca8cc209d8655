"""What `.gitignore` files leave out, deeper ones before those above them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xo_cowork_core.services.files.patterns import Pattern, read_patterns
from xo_cowork_core.storage.beneath import PathHandle
from xo_cowork_core.storage.paths import OutsideError

MOST_BYTES = 256 << 10
NAME = ".gitignore"


@dataclass(frozen=True, slots=True)
class Rules:
    """One `.gitignore`; it lies `depth` folders below where paths count from."""

    depth: int
    patterns: Sequence[Pattern]

    def verdict(self, names: Sequence[str], *, is_folder: bool) -> bool | None:
        """Whether a path is left out; None when no line fits. The last one that fits counts."""
        below = names[self.depth :]
        for pattern in reversed(self.patterns):
            if pattern.matches(below, is_folder=is_folder):
                return not pattern.negated
        return None


def read_rules(folder: int, depth: int) -> Sequence[Rules]:
    """Read the `.gitignore` in an open folder; nothing when there is none that can be read."""
    try:
        with PathHandle(folder, NAME, Path(NAME)).open() as file:
            text = file.read(MOST_BYTES).decode("utf-8", "replace")
    except (OSError, OutsideError):
        return ()
    return (Rules(depth, read_patterns(text)),)


def is_ignored(names: Sequence[str], rules: Sequence[Rules], *, is_folder: bool) -> bool:
    """Whether the innermost rules with an opinion leave a path out."""
    for found in reversed(rules):
        verdict = found.verdict(names, is_folder=is_folder)
        if verdict is not None:
            return verdict
    return False
