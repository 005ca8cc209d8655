"""Read-only commands: they run without a permission request, like the agent's read tools."""

import shlex

SHELL_CHARACTERS = frozenset(";&|<>$`()\n\r\\{}")
READERS = frozenset(
    {"ls", "pwd", "cat", "head", "tail", "wc", "nl", "stat", "du", "grep", "egrep", "fgrep", "true"}
)


def only_reads(command: str) -> bool:
    """Return whether a command line is one call of a program that cannot write or run others.

    Codex's own classification, `commandActions`, is for display: it lists `find -delete` as a
    listing.
    """
    if SHELL_CHARACTERS & set(command):
        return False
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    return bool(words) and words[0] in READERS
