"""Commands that only look: they are run unasked, as the agent's other tools for reading are."""

import shlex

SHELL_SIGNS = frozenset(";&|<>$`()\n\r\\{}")
READERS = frozenset(
    {"ls", "pwd", "cat", "head", "tail", "wc", "nl", "stat", "du", "grep", "egrep", "fgrep", "true"}
)


def only_reads(command: str) -> bool:
    """Say whether a command line is one plain call of a program that can't write or run others.

    Codex's own reading of a command, `commandActions`, is for display: it calls `find -delete`
    a listing.
    """
    if SHELL_SIGNS & set(command):
        return False
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    return bool(words) and words[0] in READERS
