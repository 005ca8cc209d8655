"""Codex's token counts: `inputTokens` includes cached, `outputTokens` reasoning tokens."""

from collections.abc import Mapping

from xo_cowork_core.sdk import Tokens


def number(value: object) -> int:
    """Return a count as an integer; 0 for anything else."""
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0


def tokens_of(usage: object) -> Tokens:
    """Return one model call's usage, from the server's shape or a rollout's, without overlap."""
    if not isinstance(usage, Mapping):
        return Tokens()

    def read(camel: str, snake: str) -> int:
        return number(usage.get(camel, usage.get(snake)))

    cached = read("cachedInputTokens", "cached_input_tokens")
    written = read("cacheWriteInputTokens", "cache_write_input_tokens")
    reasoning = read("reasoningOutputTokens", "reasoning_output_tokens")
    return Tokens(
        input=max(0, read("inputTokens", "input_tokens") - cached - written),
        output=max(0, read("outputTokens", "output_tokens") - reasoning),
        reasoning=reasoning,
        cache_read=cached,
        cache_write=written,
    )
