"""The project's pages, taken apart: fenced blocks, tables, links.

A fence's first word is its language, the others select what the tests do with it: `run` runs it
against a server, `install` in a copy of the environment, `output` compares it with what the block
before it printed (`…` matches anything), `file=PATH` writes it, `hook` is a signature.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(\w*)(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block."""

    language: str
    words: tuple[str, ...]
    text: str

    @property
    def file(self) -> str:
        """The path that the block is the text of, or nothing."""
        return next((w.removeprefix("file=") for w in self.words if w.startswith("file=")), "")


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @cached_property
    def blocks(self) -> Sequence[Block]:
        return fenced_blocks(self.text)

    @cached_property
    def prose(self) -> str:
        """The text without its blocks."""
        return FENCE.sub("", self.text)

    @property
    def links(self) -> Sequence[str]:
        return LINK.findall(self.prose)

    @property
    def anchors(self) -> set[str]:
        """What a link's fragment may name."""
        return {_anchor(heading) for heading in HEADING.findall(self.prose)}

    def section(self, heading: str) -> str:
        """Return the text below a heading, up to the next one of any level."""
        _, _, rest = self.prose.partition(f"\n{heading}\n")
        assert rest, f"{self.path.name} has no {heading!r}"
        return re.split(r"^#", rest, flags=re.MULTILINE)[0]

    def table(self, heading: str) -> list[list[str]]:
        """Return the rows of the first table below a heading, without its head."""
        rows = [line for line in self.section(heading).splitlines() if line.startswith("|")]
        return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def fenced_blocks(text: str) -> Sequence[Block]:
    return [Block(m[1], tuple(m[2].split()), m[3]) for m in FENCE.finditer(text)]


def page(name: str) -> Page:
    return Page(ROOT / name)


def own_pages() -> list[Page]:
    """The pages that these tests answer for."""
    docs = sorted((ROOT / "docs").glob("*.md"))
    return [Page(path) for path in (ROOT / "README.md", ROOT / "CHANGELOG.md", *docs)]


def _anchor(heading: str) -> str:
    plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return plain.strip().replace(" ", "-")
