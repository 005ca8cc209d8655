"""Titles built from prompts."""

import pytest

from xo_cowork_core.sdk.kit.title import TITLE_CHARACTERS, UNTITLED, strip_context, title_of


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("", UNTITLED),
        (" \n\t", UNTITLED),
        ("Fix the\n  build", "Fix the build"),
        ("x" * TITLE_CHARACTERS, "x" * TITLE_CHARACTERS),
        ("x" * (TITLE_CHARACTERS + 1), "x" * (TITLE_CHARACTERS - 1) + "…"),
        ("word " * 40, ("word " * 15).strip() + "…"),
        ("a " + "x" * 100, ("a " + "x" * 100)[: TITLE_CHARACTERS - 1] + "…"),
        ("Hello\n\n---\n\n> **Project context**\n> secret", "Hello"),
        ("\n\n---\n\n> **Project context**\n> secret", UNTITLED),
    ],
)
def test_a_title_is_one_short_line_of_the_prompt(text: str, title: str) -> None:
    assert title_of(text) == title


def test_a_rule_without_the_mark_of_a_context_stays() -> None:
    assert strip_context("Hello\n\n---\n\n> **Project**") == "Hello\n\n---\n\n> **Project**"
