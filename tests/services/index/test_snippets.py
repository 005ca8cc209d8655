"""Words around a match: cut out of long texts slice by slice, as if they were folded whole."""

import html
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xo_cowork_core.services.index import snippets
from xo_cowork_core.services.index.snippets import (
    SLICE_CHARACTERS,
    SNIPPET_CHARACTERS,
    folded_text,
    mark_matches,
    pattern_of,
)

WORDS = st.lists(st.text("aAäÉéβ_-<&", min_size=1, max_size=6), max_size=60)


@given(WORDS, st.text("aé_", min_size=1, max_size=3), st.booleans(), st.integers(1, 20))
@settings(deadline=None)
def test_the_first_match_in_slices_is_the_first_of_all(
    words: list[str], word: str, whole: bool, size: int
) -> None:
    text, pattern = "ββ " * 100 + " ".join(words), pattern_of([word], whole=whole)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snippets, "SLICE_CHARACTERS", size)
        shown = mark_matches(text, pattern)
    plain = html.unescape(re.sub("</?mark>", "", shown))
    assert plain.removeprefix("…").removesuffix("…") in text
    found = pattern.search(folded_text(text))
    first = re.search("<mark>(.*?)</mark>", shown)
    assert (first is None) == (found is None)
    if found and first:
        assert html.unescape(first[1]) == text[found.start() : found.end()]


@pytest.mark.parametrize("filler", ["é ", "日"])
def test_a_match_far_into_a_long_text_is_shown(filler: str) -> None:
    text = f"{filler * 2 * SLICE_CHARACTERS} nädel {filler * SLICE_CHARACTERS}"
    shown = mark_matches(text, pattern_of(["NADEL"], whole=True))
    assert "<mark>nädel</mark>" in shown
    assert len(shown) < 300


def test_a_match_that_begins_where_the_snippet_ends_is_left_out() -> None:
    filler = "x" * (SNIPPET_CHARACTERS - len("word ") - 1)
    assert mark_matches(f"word {filler} word", pattern_of(["word"], whole=True)) == (
        f"<mark>word</mark> {filler} …"
    )
