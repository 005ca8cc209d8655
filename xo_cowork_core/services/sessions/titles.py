"""Titles from a user's first words."""

import re

CONTEXT = re.compile(r"\n\n---\n\n> \*\*Project context\*\*.*\Z", re.DOTALL)
TITLE_CHARACTERS = 80
UNTITLED = "New session"


def shown(text: str) -> str:
    """Return a prompt as people see it: without the context block that frontends append."""
    return CONTEXT.sub("", text)


def title_of(text: str) -> str:
    """Return one line of at most `TITLE_CHARACTERS`, cut between words where possible."""
    line = " ".join(shown(text).split())
    if len(line) <= TITLE_CHARACTERS:
        return line or UNTITLED
    head = line[: TITLE_CHARACTERS - 1]
    words, _, _ = head.rpartition(" ")
    return (words if len(words) > TITLE_CHARACTERS // 2 else head) + "…"
