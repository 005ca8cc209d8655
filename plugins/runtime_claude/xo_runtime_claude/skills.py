"""Reads the skills on disk and detects changes to them, which a running process does not see."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from xo_cowork_core.sdk import Skill

FOLDERS = (".claude/skills", ".claude/commands")
MAX_FILE_BYTES = 64 << 10
MAX_DESCRIPTION_CHARACTERS = 1024
FIELD = re.compile(r"^([A-Za-z][\w-]*):[ \t]*(.*(?:\n(?:[ \t]+.*|(?=\n)))*)", re.MULTILINE)
BLOCK = re.compile(r"^[|>][+-]?\d?\s*$")


def fingerprint(cwd: Path, config: Path) -> int:
    """Return a number that changes with the skills and commands of a project or its user."""
    folders = [cwd / folder for folder in FOLDERS]
    folders += [config / "skills", config / "commands"]
    stamps: list[tuple[str, int]] = []
    for folder in folders:
        try:
            children = sorted(folder.iterdir())
        except OSError:
            continue
        for child in children:
            stamps += [
                (str(path), _modification_time(path)) for path in (child, child / "SKILL.md")
            ]
    return hash(tuple(stamps))


def read_skills(cwd: Path, config: Path) -> list[Skill]:
    """Return the skills for turns in `cwd`, sorted by name.

    A skill of the user wins over one of the project with the same name.
    """
    skills: dict[str, Skill] = {}
    for skill in _read_folder(config / "skills"):
        skills[skill.name] = skill
    for skill in _read_folder(cwd / ".claude" / "skills"):
        skills.setdefault(skill.name, replace(skill, source="project"))
    return [skills[name] for name in sorted(skills)]


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
                text = file.read(MAX_FILE_BYTES).decode("utf-8", "replace")
        except OSError:
            continue
        front = _front_matter(text)
        description = " ".join(front.get("description", "").split())[:MAX_DESCRIPTION_CHARACTERS]
        yield Skill(front.get("name") or child.name, description, path)


def _front_matter(text: str) -> dict[str, str]:
    """Return the top-level fields between the `---` lines. The closing line may be missing."""
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


def _modification_time(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
