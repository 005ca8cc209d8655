"""Errors of sign-ins and connections.

Each has a stable code that the response's `detail` also carries as `code`. `is_retryable` says
that the same attempt may succeed later, so a sign-in continues after it.
"""

from collections.abc import Mapping

from xo_cowork_core.sdk import (
    BadRequest,
    Conflict,
    NotFound,
    Unauthorized,
    Unavailable,
    UpstreamFailed,
    XoError,
)
from xo_cowork_core.sdk.events.base import JsonValue


class FlowBusy(Conflict):
    """409: another sign-in for the same connection or port is open.

    `details` has `flow_id`, `connector` and `connection` of the open one, and `age_seconds`.
    """

    code = "busy"


class FlowNotFound(NotFound):
    """404: no flow has this id; finished ones are forgotten after 10 minutes."""

    code = "not_found"


class FlowNotWaiting(Conflict):
    """409: the flow does not wait for input."""

    code = "not_waiting"


class StateMismatch(BadRequest):
    """400: the pasted URL belongs to another sign-in."""

    code = "state_mismatch"


class StateMissing(BadRequest):
    """400: the pasted URL has a code but no state."""

    code = "state_missing"


class CodeMissing(BadRequest):
    """400: what was pasted has no code."""

    code = "code_missing"


class InvalidKey(BadRequest):
    """400: the key is malformed, or the service refuses it."""

    code = "invalid_key"


class AccessDenied(Unauthorized):
    """The person, or the provider, refused access."""

    code = "access_denied"


class ExpiredToken(Unauthorized):
    """The device code was not approved in time."""

    code = "expired_token"


class InvalidGrant(Unauthorized):
    """The authorization server refuses the code or the refresh token."""

    code = "invalid_grant"


class NeedsAuth(Unauthorized):
    """No account is signed in, or it must sign in again."""

    code = "needs_auth"


class InvalidClient(UpstreamFailed):
    """502: the authorization server does not know the client, or refuses its secret."""

    code = "invalid_client"


class RegistrationFailed(UpstreamFailed):
    """502: dynamic client registration was refused."""

    code = "registration_failed"


class UpstreamError(UpstreamFailed):
    """502: the provider answered with an error or with something that is not OAuth."""

    code = "upstream_error"


class UpstreamUnreachable(Unavailable):
    """503: the provider can't be reached, is overloaded, or limits requests."""

    code = "upstream_unreachable"


class NotConfigured(Unavailable):
    """503: the method needs a setting, such as a client id, that has no value."""

    code = "not_configured"


class ToolMissing(Unavailable):
    """503: the sign-in program is not installed."""

    code = "tool_missing"


class ToolTooOld(Unavailable):
    """503: the sign-in program is too old."""

    code = "tool_too_old"


class AccountMismatch(Conflict):
    """409: a reconnection was signed in with another account."""

    code = "account_mismatch"


class StorageFailed(Unavailable):
    """503: the state folder can't be written."""

    code = "storage_failed"


RETRYABLE: tuple[type[XoError], ...] = (Unavailable,)
ERRORS: Mapping[str, type[XoError]] = {
    error.code: error
    for error in (
        FlowBusy,
        FlowNotFound,
        FlowNotWaiting,
        StateMismatch,
        StateMissing,
        CodeMissing,
        InvalidKey,
        AccessDenied,
        ExpiredToken,
        InvalidGrant,
        NeedsAuth,
        InvalidClient,
        RegistrationFailed,
        UpstreamError,
        UpstreamUnreachable,
        NotConfigured,
        ToolMissing,
        ToolTooOld,
        AccountMismatch,
        StorageFailed,
    )
}


def error_with_code(code: str, message: str, **details: JsonValue) -> XoError:
    """Return the error of a code, which its details name too; UpstreamError for another code."""
    error_type = ERRORS.get(code, UpstreamError)
    return error_type(message, details={"code": code, **details})
