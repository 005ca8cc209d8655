"""Reads `.gitignore` files and decides which paths they exclude.

pathspec translates the patterns and RE2 matches them. RE2 is required: its time grows with
the length of a path alone, while Python's `re` takes hours for a pattern such as `*a*a*a*b`, which
a cloned repository may contain. The translation is corrected where pathspec 1.1 differs from git:
named character classes, negated classes (which must not match a slash), `a/**` (which must not
match `a`), escaped slashes, and lines that are no valid pattern.
"""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from xo_cowork_core.storage.folder_handle import FolderHandle
from xo_cowork_core.storage.paths import MAX_PATH_BYTES

if TYPE_CHECKING:
    from pathspec import PathSpec
    from pathspec.pattern import RegexPattern

FILE_NAME = ".gitignore"
MAX_BYTES = 256 << 10
MAX_LINES = 2000
POSIX_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "lower": "a-z",
    "punct": "!-.:-@^-`{-~",
    "space": " \t\r\n\v\f",
    "upper": "A-Z",
    "xdigit": "0-9a-fA-F",
}
# in a line: an escaped character, or a character class
LINE_TOKEN = re.compile(r"\\.|\[[!^]?\]?(?:\[:\w+:\]|[^\]])*\]", re.DOTALL)
CLASS_NAME = re.compile(r"\[:(\w+):\]")
# in a regular expression: an escaped character, or a character class
REGEX_TOKEN = re.compile(r"\\.|\[(?P<negation>\^?)(?P<body>\]?[^\]]*)\]", re.DOTALL)
# a line that ends in an escaped slash: git takes the slash off first and matches nothing
ESCAPED_SLASH_END = re.compile(r"(?<!\\)(?:\\\\)*\\/ *\Z")
SPECIAL_IN_CLASS = re.compile(r"[\[\]&~|]")
# what pathspec writes at the end of a pattern to match also what lies below a folder
FOLDER_OR_FILE, FOLDER = "(?:(?P<ps_d>/)|$)", "(?P<ps_d>/)"


class IgnoreRules(NamedTuple):
    """The patterns of one `.gitignore` that lies `depth` folders below the repository's root."""

    depth: int
    sets: "Sequence[PathSpec[RegexPattern]]"

    def decide(self, names: Sequence[str], *, is_folder: bool) -> bool | None:
        """Return whether the last matching line excludes a path; None when no line matches."""
        path = "/".join(names[self.depth :]) + ("/" if is_folder else "")
        for patterns in reversed(self.sets):
            decision = patterns.check_file(path).include
            if decision is not None:
                return decision
        return None


def parse_rules(text: str, depth: int = 0) -> IgnoreRules:
    """Parse the text of a `.gitignore`; lines that git cannot read are skipped, as git does.

    A line longer than any path is skipped, too, and so is everything after `MAX_LINES`.
    """
    patterns = list(_patterns(text.split("\n")[:MAX_LINES]))
    return IgnoreRules(depth, list(_sets(patterns)))


def read_rules(folder: FolderHandle, depth: int) -> Sequence[IgnoreRules]:
    """Read the `.gitignore` in an open folder; nothing when there is no readable one."""
    try:
        with folder.open_file(FILE_NAME) as file:
            text = file.read(MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return ()
    return (parse_rules(text, depth),)


def is_ignored(names: Sequence[str], rules: Sequence[IgnoreRules], *, is_folder: bool) -> bool:
    """Return whether a path is excluded; the innermost file with a matching line decides."""
    for each in reversed(rules):
        decision = each.decide(names, is_folder=is_folder)
        if decision is not None:
            return decision
    return False


def _sets(patterns: "Sequence[RegexPattern]") -> "Iterator[PathSpec[RegexPattern]]":
    """Compile patterns in as few sets as RE2's limit of memory allows, in their order."""
    # the start of the server takes 15 ms longer with these imports at the top
    import re2  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]
    from pathspec import PathSpec  # noqa: PLC0415

    try:
        yield PathSpec(patterns, backend="re2")
    except re2.error:  # pyright: ignore[reportUnknownMemberType]
        # a single pattern that is too large is skipped
        if len(patterns) > 1:
            half = len(patterns) // 2
            yield from _sets(patterns[:half])
            yield from _sets(patterns[half:])


def _patterns(lines: Sequence[str]) -> "Iterator[RegexPattern]":
    # imported late, as in `_sets`
    from pathspec.pattern import RegexPattern  # noqa: PLC0415
    from pathspec.patterns.gitignore import GitIgnorePatternError  # noqa: PLC0415
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern  # noqa: PLC0415

    for line in lines:
        if len(line) > MAX_PATH_BYTES:
            continue
        try:
            regex, include = GitIgnoreSpecPattern.pattern_to_regex(_corrected_line(line))
            if regex is not None:
                yield RegexPattern(re.compile(_corrected_regex(regex)), include)
        except (GitIgnorePatternError, re.error):
            continue


def _corrected_line(line: str) -> str:
    """Expand named classes, and strip trailing spaces except an escaped one."""
    line = line.removesuffix("\r")
    if ESCAPED_SLASH_END.search(line):
        return ""
    line = LINE_TOKEN.sub(_corrected_token, line)
    bare = line.rstrip(" ")
    escapes = len(bare) - len(bare.rstrip("\\"))
    if escapes % 2 and bare != line:
        return f"{bare} "
    if bare[-1:].isspace() and not bare.endswith(" "):
        # git strips spaces alone; pathspec would strip this character too
        return f"{bare[:-1].removesuffix(chr(92))}[{bare[-1]}]"
    return f"{bare}*/" if bare.endswith("/**/") else bare


def _corrected_token(match: re.Match[str]) -> str:
    if match[0] == r"\/":
        return "/"
    body = CLASS_NAME.sub(lambda name: POSIX_CLASSES.get(name[1], ""), match[0][1:])
    return match[0][0] + body


def _corrected_regex(regex: str) -> str:
    """Match a path itself and not what lies below it: a folder is decided before its content."""
    regex = REGEX_TOKEN.sub(_corrected_class, regex)
    if regex.endswith("/"):
        # `a/**` matches everything in `a`, but not `a`
        return f"{regex}."
    return regex.replace(FOLDER_OR_FILE, "/?$").replace(FOLDER, "/$")


def _corrected_class(match: re.Match[str]) -> str:
    if match["body"] is None:
        return match[0]
    negation = "^/" if match["negation"] else ""
    return f"[{negation}{SPECIAL_IN_CLASS.sub(_escaped, match['body'])}]"


def _escaped(match: re.Match[str]) -> str:
    return rf"\{match[0]}"
