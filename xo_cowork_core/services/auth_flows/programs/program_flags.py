"""Finds out which flags a command knows, from what its `--help` prints."""

import re
from collections.abc import Sequence


def command_words(command: Sequence[str]) -> Sequence[str]:
    """Return the program and its subcommands: what stands before the first flag."""
    flags = (number for number, word in enumerate(command) if word.startswith("-"))
    return command[: next(flags, len(command))]


def find_flags(flags: Sequence[str], help_text: str) -> Sequence[str]:
    """Return the flags that a help text names, as whole words."""
    return [
        flag for flag in flags if re.search(rf"(?<![\w-]){re.escape(flag)}(?![\w-])", help_text)
    ]
