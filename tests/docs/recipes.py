"""Applies the recipes of the architecture page to a copy of the core."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.docs.pages import ROOT, Block, fenced_blocks, page
from tests.docs.shell import write_files

ARCHITECTURE = page("docs/architecture.md")


def recipe_blocks(heading: str) -> Sequence[Block]:
    """Return the blocks below a heading, up to the next heading of its level or above."""
    _, _, rest = ARCHITECTURE.text.partition(f"\n### {heading}\n")
    assert rest, f"no recipe {heading!r}"
    section = rest.partition("\n### ")[0].partition("\n## ")[0]
    return [block for block in fenced_blocks(section) if block.file]


def changed_files(blocks: Sequence[Block]) -> set[str]:
    """Return the files that a recipe writes or edits."""
    return {block.file for block in blocks}


def copy_core(folder: Path) -> Path:
    """Copy the core's package into a folder and return the folder."""
    name = "xo_cowork_core"
    shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def apply_recipe(blocks: Sequence[Block], folder: Path) -> None:
    """Write the new files of a recipe and make its edits."""
    for block in blocks:
        if block.language == "diff":
            _edit(folder / block.file, block.text)
        else:
            assert not (folder / block.file).exists(), f"{block.file} is not new"
            write_files([block], folder)


def _edit(path: Path, diff: str) -> None:
    """Replace the lines of a diff that it expects by those that it adds."""
    lines = diff.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] in " -")
    after = "".join(line[1:] for line in lines if line[0] in " +")
    text = path.read_text()
    assert text.count(before) == 1, f"{path.name} has these lines {text.count(before)} times"
    path.write_text(text.replace(before, after))
