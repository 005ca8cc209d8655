"""Excerpts around a match, HTML-escaped, matches in `<mark>`.

SQLite's own snippet function takes a millisecond each, and needs the text in its table.
"""

import html
import re
import unicodedata
from collections.abc import Sequence

WORD = re.compile(r"\w+")
BEFORE_CHARACTERS = 60
SNIPPET_CHARACTERS = 180
SLICE_CHARACTERS = 16_384


def pattern_of(words: Sequence[str], *, whole: bool) -> re.Pattern[str]:
    """Return a pattern for any of some words in folded text: `whole` matches whole words, and the
    last one as a prefix, as in messages; otherwise it matches anywhere, as in titles."""
    folded = [re.escape(folded_text(word)) for word in words]
    if not whole:
        return re.compile("|".join(folded))
    return re.compile("|".join([*(rf"\b{w}\b" for w in folded[:-1]), rf"\b{folded[-1]}\w*"]))


def folded_text(text: str) -> str:
    """Return a text in lower case without accents, letter by letter, as the index has it."""
    if text.isascii():
        return text.lower()
    return text.translate({ord(letter): _folded(letter) for letter in set(text)})


def mark_matches(text: str, pattern: re.Pattern[str]) -> str:
    """Cut a text around the first match and mark each match in there."""
    start = max(0, _first_match(text, pattern) - BEFORE_CHARACTERS)
    # from a word's beginning to a word's end
    start = text.find(" ", start) + 1 if start and " " in text[start : start + 40] else start
    end = min(len(text), start + SNIPPET_CHARACTERS)
    pieces = ["…"] if start else []
    seen = max(0, start - 1)  # the characters before `start` decide whether a word begins there
    folded = folded_text(text[seen : _word_end(text, end)])
    for match in pattern.finditer(folded, start - seen):
        first, last = match.start() + seen, match.end() + seen
        if first >= end:
            break
        pieces += [html.escape(text[start:first])]
        pieces += ["<mark>", html.escape(text[first:last]), "</mark>"]
        start = last
    end = max(start, end)
    return "".join([*pieces, html.escape(text[start:end]), "…" if end < len(text) else ""])


def plain_text(snippet: str) -> str:
    """Return the text of a snippet without marks and escapes."""
    return html.unescape(snippet.replace("<mark>", "").replace("</mark>", ""))


def _first_match(text: str, pattern: re.Pattern[str]) -> int:
    """Return where the first match begins; 0 where there is none. Slice by slice: to fold a
    megabyte takes a third of a second."""
    start = 0
    while start < len(text):
        end = _word_end(text, start + SLICE_CHARACTERS)
        match = pattern.search(folded_text(text[start:end]))
        if match:
            return start + match.start()
        start = end
    return 0


def _word_end(text: str, place: int) -> int:
    """Return where the word at a place ends: no match goes over a blank."""
    end = text.find(" ", place)
    return end if end >= 0 else len(text)


def _folded(letter: str) -> str:
    base = unicodedata.normalize("NFD", letter)[0].lower()
    # one for one, so that places in the folded text are places in the text
    return base if len(base) == 1 else letter
