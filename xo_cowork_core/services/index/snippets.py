"""The words around a match, HTML-escaped, matches in `<mark>`.

SQLite's own snippets cost a millisecond each: they look the whole index up again.
"""

import html
import re
import unicodedata
from collections.abc import Sequence

WORD = re.compile(r"\w+")
BEFORE_CHARACTERS = 60
SNIPPET_CHARACTERS = 180


def pattern_of(words: Sequence[str], *, whole: bool) -> re.Pattern[str]:
    """Return what matches any of some words in folded text: in messages whole ones, of the last
    its beginning; in titles anywhere, as they are found there."""
    folded = [re.escape(folded_text(word)) for word in words]
    if not whole:
        return re.compile("|".join(folded))
    return re.compile("|".join([*(rf"\b{w}\b" for w in folded[:-1]), rf"\b{folded[-1]}\w*"]))


def folded_text(text: str) -> str:
    """Return a text in lower case without accents, letter by letter, as the index has it."""
    if text.isascii():
        return text.lower()
    return text.translate({ord(letter): _folded(letter) for letter in set(text)})


def marked(text: str, pattern: re.Pattern[str]) -> str:
    """Cut a text around the first match and mark each match in there."""
    folded = folded_text(text)
    first = pattern.search(folded)
    start = max(0, (first.start() if first else 0) - BEFORE_CHARACTERS)
    # from a word's beginning to a word's end
    start = text.find(" ", start) + 1 if start and " " in text[start : start + 40] else start
    end = min(len(text), start + SNIPPET_CHARACTERS)
    pieces = ["…"] if start else []
    for match in pattern.finditer(folded, start):
        if match.start() >= end:
            break
        pieces += [html.escape(text[start : match.start()])]
        pieces += ["<mark>", html.escape(text[match.start() : match.end()]), "</mark>"]
        start = match.end()
    end = max(start, end)
    return "".join([*pieces, html.escape(text[start:end]), "…" if end < len(text) else ""])


def _folded(letter: str) -> str:
    base = unicodedata.normalize("NFD", letter)[0].lower()
    # one for one, so that places in the folded text are places in the text
    return base if len(base) == 1 else letter
