"""Token counts in answers."""

from typing_extensions import TypedDict

from xo_cowork_core.sdk import Tokens


class TokenCounts(TypedDict):
    """Tokens of a model call, a turn or a window."""

    input: int
    output: int
    reasoning: int
    cache_read: int
    cache_write: int


def token_counts(tokens: Tokens) -> TokenCounts:
    """Return the token counts of an answer."""
    return {
        "input": tokens.input,
        "output": tokens.output,
        "reasoning": tokens.reasoning,
        "cache_read": tokens.cache_read,
        "cache_write": tokens.cache_write,
    }
