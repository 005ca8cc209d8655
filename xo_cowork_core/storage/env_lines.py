"""Text of env files: statements `KEY=value`, and changes that leave every other line as it is.

python-dotenv parses. Its `set_key` does not write here: it drops `export` and the comment behind a
value, keeps a file's wider mode, sets one key at a time without a lock, and does not flush.
"""

import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from dotenv.parser import parse_stream

from xo_cowork_core.storage.env_quoting import SHELL_END, EnvFileError, render_assignment

COMMENT = re.compile(r"[^\S\r\n]+#")


class Statement(NamedTuple):
    """One assignment with the blank lines before it, or another line, whose `key` is None."""

    key: str | None
    value: str | None
    text: str


def parse_statements(text: str) -> list[Statement]:
    """Split a text into statements; their texts joined are the text."""
    statements: list[Statement] = []
    for binding in parse_stream(io.StringIO(text, newline="")):
        statement = Statement(binding.key, binding.value, binding.original.string)
        if statements and _is_shell_part(statements[-1].text, statement.key):
            statement = statement._replace(text=statements.pop().text + statement.text)
        statements.append(statement)
    return statements


def entries_of(text: str) -> dict[str, str]:
    """Return the entries in their order; of equal keys the last counts, as readers do it."""
    return _entries(parse_statements(text))


def with_entries(text: str, values: Mapping[str, str]) -> str:
    """Set entries, each in its existing line or at the end; an equal value leaves its line as it
    is. Earlier lines of a key that is set are removed: they would keep the old value.

    Raises EnvFileError for an entry that cannot be written.
    """
    statements = parse_statements(text)
    current = _entries(statements)
    changes = {key: value for key, value in values.items() if current.get(key) != value}
    if not changes:
        return text
    last_index = {statement.key: index for index, statement in enumerate(statements)}
    parts: list[str] = []
    for index, statement in enumerate(statements):
        if statement.key is None or statement.key not in changes:
            parts.append(statement.text)
        elif last_index[statement.key] == index:
            parts.append(_replaced(statement.text, statement.key, changes[statement.key]))
        else:
            parts.append(_blank_lines_before(statement.text))
    changed = "".join(parts)
    new = [render_assignment(key, changes[key]) for key in changes if key not in last_index]
    if new and changed and not changed.endswith("\n"):
        changed += "\n"
    changed += "".join(f"{line}\n" for line in new)
    _require_entries(changed, current | changes)
    return changed


def without_keys(text: str, keys: Collection[str]) -> str:
    """Delete the entries of some keys; other lines stay as they are."""
    return "".join(
        _blank_lines_before(statement.text) if statement.key in keys else statement.text
        for statement in parse_statements(text)
    )


def _entries(statements: Iterable[Statement]) -> dict[str, str]:
    return {each.key: each.value for each in statements if each.key and each.value is not None}


def _is_shell_part(text: str, next_key: str | None) -> bool:
    """Return whether a statement is what a shell reads of the assignment that follows it."""
    name = text.lstrip().removeprefix("export ").partition("=")[0]
    return text.endswith(SHELL_END) and name == next_key


def _require_entries(text: str, wanted: Mapping[str, str]) -> None:
    """Raise EnvFileError where a quote that another line leaves open swallows an entry."""
    if entries_of(text) != wanted:
        raise EnvFileError(
            "The env file has a line with an open quote: an entry behind it cannot be written"
        )


def _blank_lines_before(text: str) -> str:
    head = text[: len(text) - len(text.lstrip())]
    return head[: max(head.rfind("\n"), head.rfind("\r")) + 1]


def _replaced(text: str, key: str, value: str) -> str:
    bare = text.lstrip()
    head = text[: len(text) - len(bare)]
    export = "export " if bare.startswith("export ") else ""
    return f"{head}{render_assignment(key, value, export=export)}{_comment_of(bare)}\n"


def _comment_of(bare: str) -> str:
    """Return the comment behind a value; a # inside a quoted value is not one."""
    assignment = bare.rpartition(SHELL_END)[2]
    wanted = entries_of(assignment)
    for start in _comment_starts(assignment):
        if entries_of(assignment[:start]) == wanted:
            return assignment[start:].rstrip("\r\n")
    return ""


def _comment_starts(assignment: str) -> Iterator[int]:
    return (match.start() for match in COMMENT.finditer(assignment))
