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


class EnvDocument:
    """The text of an env file while it is changed.

    A statement that does not change stays as it is, and so do comments and blank lines.
    """

    def __init__(self, text: str) -> None:
        self._statements = parse_statements(text)

    def entries(self) -> dict[str, str]:
        """Return the entries in their order."""
        return _entries(self._statements)

    def set(self, values: Mapping[str, str]) -> None:
        """Set entries, each in its existing line or at the end.

        Earlier lines of a key that changes are removed: they would keep the old value. Raises
        EnvFileError for an entry that cannot be written, and then nothing changes.
        """
        current = self.entries()
        changes = {key: value for key, value in values.items() if current.get(key) != value}
        new = {key: f"{render_assignment(key, value)}\n" for key, value in changes.items()}
        last_index = {each.key: index for index, each in enumerate(self._statements)}
        for index, statement in enumerate(self._statements):
            if statement.key is None or statement.key not in changes:
                continue
            if last_index[statement.key] == index:
                value = changes[statement.key]
                text = _replaced(statement.text, statement.key, value)
                self._statements[index] = Statement(statement.key, value, text)
            else:
                self._statements[index] = _blank_lines_of(statement)
        for key, line in new.items():
            if key not in last_index:
                self._append(Statement(key, changes[key], line))

    def delete(self, keys: Collection[str]) -> None:
        """Delete the entries of some keys."""
        self._statements = [
            _blank_lines_of(each) if each.key in keys else each for each in self._statements
        ]

    def text(self) -> str:
        """Return the text. Raises EnvFileError where a quote that another line leaves open
        swallows an entry."""
        text = "".join(statement.text for statement in self._statements)
        if any(map(_is_unreadable, self._statements)) and entries_of(text) != self.entries():
            raise EnvFileError(
                "The env file has a line with an open quote: an entry behind it can't be written"
            )
        return text

    def _append(self, statement: Statement) -> None:
        last = self._statements[-1] if self._statements else None
        if last and last.text and not last.text.endswith("\n"):
            self._statements[-1] = last._replace(text=f"{last.text}\n")
        self._statements.append(statement)


def _entries(statements: Iterable[Statement]) -> dict[str, str]:
    return {each.key: each.value for each in statements if each.key and each.value is not None}


def _is_shell_part(text: str, next_key: str | None) -> bool:
    """Return whether a statement is what a shell reads of the assignment that follows it."""
    name = text.lstrip().removeprefix("export ").partition("=")[0]
    return text.endswith(SHELL_END) and name == next_key


def _is_unreadable(statement: Statement) -> bool:
    """Return whether a line is neither an entry nor a comment: it may leave a quote open."""
    bare = statement.text.lstrip()
    return statement.key is None and bool(bare) and not bare.startswith("#")


def _blank_lines_of(statement: Statement) -> Statement:
    text = statement.text
    head = text[: len(text) - len(text.lstrip())]
    return Statement(None, None, head[: max(head.rfind("\n"), head.rfind("\r")) + 1])


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
