"""Turns the errors of services and plugins into the failures of flows."""

from xo_cowork_core.sdk import (
    AgentFailure,
    Unauthorized,
    Unavailable,
    UpstreamFailed,
    XoError,
)
from xo_cowork_core.services.auth_flows.events import StepFailed
from xo_cowork_core.services.connectors.errors import ERRORS

RETRYABLE_CODES = frozenset({"upstream_error", "upstream_unreachable"})


def failure_of(error: XoError) -> StepFailed:
    """Return the event of an error, with one of the codes in `ERRORS`."""
    code = _code_of(error)
    return StepFailed(code, error.message, is_retryable=code in RETRYABLE_CODES)


def _code_of(error: XoError) -> str:
    if error.code in ERRORS:
        return error.code
    match error:
        case Unavailable():
            return "upstream_unreachable"
        case AgentFailure(code="not_installed"):
            return "tool_missing"
        case UpstreamFailed():
            return "upstream_error"
        case Unauthorized():
            return "needs_auth"
        case _:
            return "failed"
