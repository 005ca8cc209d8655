"""The skills on disk: which there are, and whether they changed; a live process doesn't look."""

import re
from collections.abc import Iterator
from pathlib import Path

from xo_cowork_core.sdk import Skill

FOLDERS = (".claude/skills", ".claude/commands")
MOST_BYTES = 64 << 10
MOST_DESCRIPTION = 1024
FIELD = re.compile(r"^([A-Za-z][\w-]*):[ \t]*(.*(?:\n(?:[ \t]+.*|(?=\n)))*)", re.MULTILINE)
BLOCK = re.compile(r"^[|>][+-]?\d?\s*$")


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


def read_skills(cwd: Path, config: Path) -> list[Skill]:
    """List what turns in a folder could call, by name; the user's own come before the project's."""
    found: dict[str, Skill] = {}
    for folder in (config / "skills", cwd / ".claude" / "skills"):
        for skill in _read_folder(folder):
            found.setdefault(skill.name, skill)
    return [found[name] for name in sorted(found)]


def _read_folder(folder: Path) -> Iterator[Skill]:
    try:
        children = sorted(folder.iterdir())
    except OSError:
        return
    for child in children:
        path = child / "SKILL.md"
        if not path.is_file():
            continue
        try:
            with path.open("rb") as file:
                text = file.read(MOST_BYTES).decode("utf-8", "replace")
        except OSError:
            continue
        front = _front_matter(text)
        description = " ".join(front.get("description", "").split())[:MOST_DESCRIPTION]
        yield Skill(front.get("name") or child.name, description, path)


def _front_matter(text: str) -> dict[str, str]:
    """Read the top level of the block between `---` lines; one that is broken off counts, too."""
    head, _, rest = text.removeprefix("\ufeff").replace("\r\n", "\n").partition("\n")
    if head.strip() != "---":
        return {}
    block = re.split(r"^---\s*$", rest, maxsplit=1, flags=re.MULTILINE)[0]
    return {match[1].lower(): _scalar(match[2]) for match in FIELD.finditer(block)}


def _scalar(value: str) -> str:
    first, _, rest = value.partition("\n")
    if BLOCK.match(first):
        return " ".join(rest.split())
    text = " ".join(value.split())
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
