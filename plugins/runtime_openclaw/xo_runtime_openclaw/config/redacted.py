"""Secrets that OpenClaw has replaced in a configuration before it left the gateway."""

from xo_cowork_core.sdk import Json, JsonValue

MARKER = "__OPENCLAW_REDACTED__"
SHOWN = "redacted"


def without_markers(config: Json) -> Json:
    """Return a configuration with a plain word in the place of OpenClaw's marker."""
    return {key: _replaced(value) for key, value in config.items()}


def _replaced(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return without_markers(value)
    if isinstance(value, list):
        return [_replaced(item) for item in value]
    return SHOWN if value == MARKER else value
