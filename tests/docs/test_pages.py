"""The pages are consistent: links resolve, blocks declare how they are tested."""

import re
import subprocess
from itertools import chain

import pytest

from tests.docs.pages import ROOT, Block, Page, own_pages

PAGES = pytest.mark.parametrize("page", own_pages(), ids=lambda page: page.path.name)
# a person's or a machine's own places; an image's /home/coder is part of the contract
MACHINE_PATH = re.compile(r"/(?:work|root|Users|private|mnt)/|/home/(?!coder)\w|/tmp/\w")
TESTED = {"run", "install"}


@PAGES
def test_relative_links_lead_to_files_and_headings_that_are_there(page: Page) -> None:
    for link in page.links:
        if "://" in link:
            continue
        name, _, fragment = link.partition("#")
        target = page.path.parent / name if name else page.path
        assert target.exists(), f"{page.path.name}: {link}"
        assert not fragment or fragment in Page(target).anchors, f"{page.path.name}: {link}"


@PAGES
def test_no_page_names_a_place_of_one_machine(page: Page) -> None:
    assert MACHINE_PATH.findall(page.text) == []


@PAGES
def test_every_shell_block_is_run_by_a_test(page: Page) -> None:
    for block in page.blocks:
        if block.language == "sh" and not TESTED & set(block.words):
            assert _is_make_alone(block), f"{page.path.name}: mark this block\n{block.text}"


@PAGES
def test_every_make_target_that_a_page_names_is_there(page: Page) -> None:
    spans = chain(re.findall(r"`([^`]+)`", page.prose), (b.text for b in page.blocks))
    targets = {found for span in spans for found in re.findall(r"\bmake ([a-z]+)", span)}
    for target in targets:
        dry = subprocess.run(
            ["make", "--dry-run", target],
            check=False,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert dry.returncode == 0, dry.stderr


def test_every_page_in_docs_can_be_reached_from_the_readme() -> None:
    linked = {link.partition("#")[0] for link in Page(ROOT / "README.md").links}
    pages = {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")}
    assert pages <= linked


def _is_make_alone(block: Block) -> bool:
    return all(re.fullmatch(r"make [a-z]+", line) for line in block.text.splitlines() if line)
