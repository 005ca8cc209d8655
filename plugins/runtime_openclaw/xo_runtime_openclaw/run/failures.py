"""Map the gateway's errors to `AgentFailure` codes."""

import re
from types import MappingProxyType

from xo_cowork_core.sdk import AgentFailure
from xo_runtime_openclaw.gateway.frames import Row, row, text_of
from xo_runtime_openclaw.gateway.unavailable import GatewayUnavailable

REASONS = MappingProxyType(
    {
        "auth": "auth",
        "auth_permanent": "auth",
        "billing": "rate_limit",
        "rate_limit": "rate_limit",
        "overloaded": "overloaded",
        "timeout": "timeout",
        "format": "bad_request",
        "context_overflow": "bad_request",
        "model_not_found": "bad_request",
        "server_error": "upstream",
    }
)
STATUSES = MappingProxyType({401: "auth", 403: "auth", 429: "rate_limit", 529: "overloaded"})
STATUS = re.compile(r"\bHTTP (\d{3})\b")
KEY_DISABLED = "disabled after a provider auth"
FIRST_SERVER_ERROR = 500
FIRST_CLIENT_ERROR = 400
LOGS = "\nTo view logs, run"
PREFIX = "Agent failed before reply:"
SIGN_IN = "Check the provider's key in ~/.openclaw/.env or run `openclaw models auth`."
GATEWAY_LOST = (
    "The OpenClaw gateway went away during the turn: {reason} "
    "What was done so far is kept; send the message again."
)


def clean(text: str) -> str:
    """Return an error's text without the gateway's additions."""
    text = text.split(LOGS, maxsplit=1)[0].replace("\u26a0\ufe0f", "").strip()
    return text.removeprefix(PREFIX).strip()


def run_failure(message: str, detail: Row, kind: str = "") -> AgentFailure:
    """Return the failure for a run that failed on the gateway."""
    text = clean(message) or "OpenClaw could not finish the turn"
    reason = text_of(detail.get("failoverReason")) or kind
    code = _code(reason, text)
    if code == "auth":
        text = f"{text.rstrip('. ')}. {SIGN_IN}"
    return AgentFailure(text, code=code)


def observed(data: Row) -> AgentFailure:
    """Return the failure for a failed model call, from a `lifecycle` event."""
    return run_failure(text_of(data.get("error")), row(data.get("errorObservation")))


def silent(seconds: float, last: AgentFailure | None = None) -> AgentFailure:
    """Return the failure for a turn without progress, whose model calls failed with `last`."""
    if last:
        text = f"{last.message.rstrip('. ')}. OpenClaw kept trying for {seconds:g} s"
        return AgentFailure(f"{text} and was stopped.", code=last.code)
    return AgentFailure(
        f"OpenClaw made no progress for {seconds:g} s, so it was stopped", code="timeout"
    )


def gateway_lost(reason: str) -> AgentFailure:
    """Return the failure for a turn whose gateway ended."""
    return AgentFailure(GATEWAY_LOST.format(reason=reason), code="crashed")


def prompt_skipped() -> AgentFailure:
    """Return the failure for a turn whose prompt the gateway did not run."""
    return AgentFailure(
        "OpenClaw continues an interrupted turn of this session; send the message again later.",
        code="overloaded",
    )


def not_connected(reason: GatewayUnavailable) -> AgentFailure:
    """Return the failure for a turn that could not start."""
    fix = f" To fix it: {reason.fix}" if reason.fix else ""
    code = "auth" if reason.kind == "token" else "network"
    return AgentFailure(f"{reason.detail}{fix}", code=code)


def _code(reason: str, text: str) -> str:
    if KEY_DISABLED in text:
        return "auth"
    status_match = STATUS.search(text)
    status = int(status_match.group(1)) if status_match else 0
    if status in STATUSES:
        return STATUSES[status]
    if reason in REASONS:
        return REASONS[reason]
    if FIRST_CLIENT_ERROR <= status < FIRST_SERVER_ERROR:
        return "bad_request"
    return "upstream"
