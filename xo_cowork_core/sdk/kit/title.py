"""What people see of a prompt: without the context that frontends append, and as a title."""

from collections.abc import Sequence

from xo_cowork_core.sdk.runtime.history import Message, TextPart

CONTEXT = "\n\n---\n\n> **Project context**"
TITLE_CHARACTERS = 80
UNTITLED = "New session"


def strip_context(text: str) -> str:
    """Return a prompt without the block of context at its end, which only the agent is to read."""
    return text.split(CONTEXT, 1)[0]


def title_of(text: str) -> str:
    """Return one line of at most `TITLE_CHARACTERS`, cut between words where possible."""
    line = " ".join(strip_context(text).split())
    if len(line) <= TITLE_CHARACTERS:
        return line or UNTITLED
    head = line[: TITLE_CHARACTERS - 1]
    words, _, _ = head.rpartition(" ")
    return (words if len(words) > TITLE_CHARACTERS // 2 else head) + "…"


def title_from_text(messages: Sequence[Message]) -> str:
    """Return a title from the first thing that a person said."""
    for message in messages:
        part = message.parts[0] if message.parts else None
        if message.role == "user" and isinstance(part, TextPart):
            return title_of(part.text)
    return UNTITLED
