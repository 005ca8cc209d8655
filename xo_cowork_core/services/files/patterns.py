"""The patterns of `.gitignore` files, matched in time that grows with their length alone.

Ours, because a file from a cloned repository must not be able to hold the server up: where a
library turns `*a*a*a*b` into a plain regular expression, one long name costs minutes, during which
nothing else runs.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

MOST_PATTERNS = 2000
ANYWHERE = "**"
POSIX_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "lower": "a-z",
    "punct": re.escape("!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"),
    "space": r"\s",
    "upper": "A-Z",
    "xdigit": "0-9a-fA-F",
}
# an escaped character, a class, a run of stars, or one character
TOKEN = re.compile(
    r"\\(?P<escaped>.)|(?P<class>\[[!^]?\]?(?:\[:\w+:\]|\\.|[^\]\\])*\])|\*+|.", re.S
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line. `segments` are matched from the folder of the file down, or, where there is one
    and `anchored` is False, against the last name alone."""

    segments: Sequence[re.Pattern[str] | None]
    negated: bool
    folders_only: bool
    anchored: bool

    def matches(self, names: Sequence[str], *, is_folder: bool) -> bool:
        """Whether it fits a path, given as its names."""
        if self.folders_only and not is_folder:
            return False
        if not self.anchored:
            only = self.segments[0]
            return only is not None and only.fullmatch(names[-1]) is not None
        return _fits(self.segments, names)


def read_patterns(text: str) -> Sequence[Pattern]:
    """Read a file's lines; those that git can't read are passed over here, too."""
    found = (_pattern(line) for line in text.split("\n")[:MOST_PATTERNS])
    return [pattern for pattern in found if pattern]


def _pattern(line: str) -> Pattern | None:
    line = _without_trailing_spaces(line.removesuffix("\r"))
    if not line or line.startswith("#"):
        return None
    negated = line.startswith("!")
    line = line[negated:]
    folders_only = line.endswith("/")
    line = line.removesuffix("/")
    anchored = "/" in line
    parts = line.removeprefix("/").split("/")
    if not all(parts):
        return None
    try:
        segments = [None if part == ANYWHERE and anchored else _segment(part) for part in parts]
    except re.error:
        return None
    return Pattern(segments, negated, folders_only, anchored)


def _without_trailing_spaces(line: str) -> str:
    bare = line.rstrip(" ")
    escapes = len(bare) - len(bare.rstrip("\\"))
    return bare + " " if escapes % 2 and bare != line else bare


def _segment(text: str) -> re.Pattern[str]:
    """Translate one name's pattern. What follows a star is an atomic group: once found at the
    first place where it fits, it is not looked for again."""
    pieces = [""]
    for token in TOKEN.finditer(text):
        whole = token.group()
        if whole in {"\\", "["}:
            raise re.error("an escape of nothing, or a class without an end")
        if whole.startswith("*"):
            pieces.append("")
        elif token["class"]:
            pieces[-1] += _class(whole)
        else:
            pieces[-1] += "." if whole == "?" else re.escape(token["escaped"] or whole)
    first, *rest = pieces
    if not rest:
        return re.compile(first, re.S)
    *middle, last = rest
    return re.compile(first + "".join(f"(?>.*?{piece})" for piece in middle) + f".*{last}", re.S)


def _class(text: str) -> str:
    body = text[1:-1]
    negated = body[:1] in {"!", "^"}
    body = body[negated:]
    inner = re.sub(
        r"\[:(\w+):\]|\\(.)|([\[\]^&~|])",
        lambda found: (
            POSIX_CLASSES.get(found[1], "") if found[1] else re.escape(found[2] or found[3])
        ),
        body,
        flags=re.S,
    )
    return f"[{'^' if negated else ''}{inner}]"


def _fits(segments: Sequence[re.Pattern[str] | None], names: Sequence[str]) -> bool:
    """Match name by name; None stands for any number of names, at the end for at least one."""
    at, name, again, tried = 0, 0, -1, 0
    while name < len(names):
        if at < len(segments) and segments[at] is None:
            if at == len(segments) - 1:
                return True
            again, tried = at, name
            at += 1
            continue
        segment = segments[at] if at < len(segments) else None
        if segment is not None and segment.fullmatch(names[name]):
            at, name = at + 1, name + 1
        elif again >= 0:
            tried += 1
            at, name = again + 1, tried
        else:
            return False
    return at == len(segments)
