"""Prompts without the context that frontends append, and titles built from them."""

from collections.abc import Sequence

from xo_cowork_core.sdk.runtime.history import Message, TextPart

CONTEXT_MARK = "\n\n---\n\n> **Project context**"
TITLE_CHARACTERS = 80
UNTITLED = "New session"


def strip_context(text: str) -> str:
    """Return a prompt without the block of project context at its end, which is for the agent."""
    return text.split(CONTEXT_MARK, 1)[0]


def title_of(text: str) -> str:
    """Return one line of at most 80 characters, cut between words where possible."""
    line = " ".join(strip_context(text).split())
    if len(line) <= TITLE_CHARACTERS:
        return line or UNTITLED
    head = line[: TITLE_CHARACTERS - 1]
    words, _, _ = head.rpartition(" ")
    return (words if len(words) > TITLE_CHARACTERS // 2 else head) + "…"


def title_from_text(messages: Sequence[Message]) -> str:
    """Return a title built from the first user message; `UNTITLED` without one."""
    for message in messages:
        part = message.parts[0] if message.parts else None
        if message.role == "user" and isinstance(part, TextPart):
            return title_of(part.text)
    return UNTITLED
