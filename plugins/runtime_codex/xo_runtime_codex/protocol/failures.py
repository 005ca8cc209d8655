"""Map Codex's errors and process exits to `AgentFailure` codes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson

from xo_cowork_core.sdk import AgentFailure, kit
from xo_runtime_codex.protocol.item_shapes import camel

STATUSES = MappingProxyType({401: "auth", 403: "auth", 429: "rate_limit", 503: "overloaded"})
KINDS = MappingProxyType(
    {
        "unauthorized": "auth",
        "usageLimitExceeded": "rate_limit",
        "rateLimitExceeded": "rate_limit",
        "sessionBudgetExceeded": "rate_limit",
        "serverOverloaded": "overloaded",
        "flexUnavailable": "overloaded",
        "policyCapacityUnavailable": "overloaded",
        "badRequest": "bad_request",
        "modelNotFound": "bad_request",
        "contextWindowExceeded": "bad_request",
        "cyberPolicy": "bad_request",
        "internalServerError": "upstream",
    }
)
WORDS = MappingProxyType(
    {
        "401": "auth",
        "403": "auth",
        "missing environment variable": "auth",
        "not logged in": "auth",
        "429": "rate_limit",
        "quota": "rate_limit",
        "invalid_request": "bad_request",
        "400": "bad_request",
        "stream disconnected": "network",
        "connection": "network",
        "network": "network",
        "timed out": "timeout",
    }
)
INSTALL = "npm install -g @openai/codex"
SIGN_IN = "Run `codex login`, or set OPENAI_API_KEY, then send the message again."
FIRST_SERVER_ERROR = 500
FIRST_CLIENT_ERROR = 400


def turn_failure(error: object) -> AgentFailure:
    """Return the failure for a turn's `error`, in the server's shape or a rollout's."""
    body = error if isinstance(error, Mapping) else {}
    message = message_of(body)
    info = body.get("codexErrorInfo", body.get("codex_error_info"))
    code = _code(info, message)
    if code == "auth":
        message = f"{message.rstrip('. ')}. {SIGN_IN}"
    return AgentFailure(message, code=code)


def message_of(error: Mapping[str, Any]) -> str:
    """Return the error's text; of a provider's JSON body, its message."""
    text = str(error.get("message") or "").strip() or "Codex could not finish the turn"
    if text.startswith("{"):
        try:
            inner = orjson.loads(text)
        except ValueError:
            return text
        provider_error = inner.get("error") if isinstance(inner, dict) else None
        if isinstance(provider_error, dict) and provider_error.get("message"):
            return str(provider_error["message"])
    return text


def process_failure(returncode: int | None, stderr: str) -> AgentFailure:
    """Return the failure for a process that ended during a turn."""
    lines = [line for line in stderr.splitlines() if "bubblewrap" not in line]
    return kit.process_failure("Codex", returncode, "\n".join(lines))


def missing() -> AgentFailure:
    """Return the failure for a missing executable."""
    return AgentFailure(f"Codex isn't installed: run `{INSTALL}`", code="not_installed")


def _code(info: object, message: str) -> str:
    status = _status(info)
    if status in STATUSES:
        return STATUSES[status]
    if status >= FIRST_SERVER_ERROR:
        return "upstream"
    if status >= FIRST_CLIENT_ERROR:
        return "bad_request"
    kind = camel(info) if isinstance(info, str) else ""
    if kind in KINDS:
        return KINDS[kind]
    lowered = message.lower()
    return next((code for word, code in WORDS.items() if word in lowered), "upstream")


def _status(info: object) -> int:
    for detail in info.values() if isinstance(info, Mapping) else ():
        if isinstance(detail, Mapping):
            status = detail.get("httpStatusCode", detail.get("http_status_code"))
            if isinstance(status, int):
                return status
    return 0
