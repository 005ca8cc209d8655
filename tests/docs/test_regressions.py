"""Each fault of the page of regressions names tests that exist."""

import re

import pytest

from tests.docs.pages import ROOT, Page

PAGE = Page(ROOT / "docs" / "regressions.md")
SECTIONS = {"## Access": 13, "## Turns": 14, "## Data": 18, "## Connectors": 16}
ROWS = [row for section in SECTIONS for row in PAGE.table(section)]


def test_the_page_has_every_fault() -> None:
    assert {section: len(PAGE.table(section)) for section in SECTIONS} == SECTIONS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_a_fault_names_tests_that_exist(row: list[str]) -> None:
    _, shown_by = row
    references = re.findall(r"`([^`]+)`", shown_by)
    assert references
    for reference in references:
        path, _, name = reference.partition("::")
        assert re.search(rf"^ *(async )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE)
