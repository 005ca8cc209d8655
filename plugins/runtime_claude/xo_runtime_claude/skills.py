"""Whether the skills on disk changed: a live process doesn't look by itself."""

from pathlib import Path

FOLDERS = (".claude/skills", ".claude/commands")


def fingerprint(cwd: Path, config: Path) -> int:
    """Return a number that changes with the skills and commands of a project or its user."""
    folders = [cwd / folder for folder in FOLDERS]
    folders += [config / "skills", config / "commands"]
    seen: list[tuple[str, int]] = []
    for folder in folders:
        try:
            children = sorted(folder.iterdir())
        except OSError:
            continue
        for child in children:
            seen += [(str(path), _changed(path)) for path in (child, child / "SKILL.md")]
    return hash(tuple(seen))


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
