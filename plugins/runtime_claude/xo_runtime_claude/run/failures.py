"""The error of a failed turn, from its `result` record."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from xo_cowork_core.sdk import AgentFailure

CODES = MappingProxyType({401: "auth", 403: "auth", 429: "rate_limit", 529: "overloaded"})
KINDS = MappingProxyType(
    {
        "authentication_failed": "auth",
        "authentication_error": "auth",
        "permission_error": "auth",
        "rate_limit": "rate_limit",
        "rate_limit_error": "rate_limit",
        "billing_error": "rate_limit",
        "overloaded": "overloaded",
        "overloaded_error": "overloaded",
        "invalid_request": "bad_request",
        "invalid_request_error": "bad_request",
        "connection_failed": "network",
    }
)
SIGN_IN = "Run `claude auth login`, or set ANTHROPIC_API_KEY, then send the message again."
NETWORK_WORDS = ("connection", "econn", "enotfound", "network", "socket", "timed out")
FIRST_SERVER_ERROR = 500
FIRST_CLIENT_ERROR = 400


def result_failure(result: Mapping[str, Any], kind: str = "") -> AgentFailure:
    """Return the error of a `result` with `is_error`. `kind` is the `error` of the turn's error
    message, empty when there was none."""
    message = _message(result)
    status = result.get("api_error_status")
    kinds = (kind, result.get("api_error_type"), result.get("api_error"))
    code = _code(status, [word for word in kinds if isinstance(word, str)], message)
    if code == "auth":
        message = f"{message.rstrip('. ')}. {SIGN_IN}"
    return AgentFailure(message, code=code)


def _message(result: Mapping[str, Any]) -> str:
    text = result.get("result")
    if isinstance(text, str) and text.strip():
        return text.strip()
    errors = result.get("errors")
    texts = (
        [error for error in errors if isinstance(error, str)] if isinstance(errors, list) else []
    )
    return "; ".join(texts) or "Claude Code could not finish the turn"


def _code(status: object, kinds: list[str], message: str) -> str:
    if isinstance(status, int):
        if status in CODES:
            return CODES[status]
        if status >= FIRST_SERVER_ERROR:
            return "upstream"
        if status >= FIRST_CLIENT_ERROR:
            return "bad_request"
    for kind in kinds:
        if kind in KINDS:
            return KINDS[kind]
    lowered = message.lower()
    if "not logged in" in lowered or "/login" in lowered:
        return "auth"
    return "network" if any(word in lowered for word in NETWORK_WORDS) else "upstream"
