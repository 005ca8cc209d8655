"""Errors that services and plugins raise for a client to see.

Each class has a stable `code`, which programs may compare, and one HTTP status, which only
`api/errors.py` assigns. People read the message: it says what is wrong and what to do, and never
contains a secret, a traceback or a path outside the workspace.
"""

from collections.abc import Mapping

from xo_cowork_core.sdk.events.base import JsonValue


class XoError(Exception):
    """Base of every expected error.

    `message` becomes the response's `detail`. With `details`, `detail` is an object: `error` and
    `message` are the message, `code` is the code, and the other keys are those of `details`.
    """

    code = "error"

    def __init__(self, message: str, *, details: Mapping[str, JsonValue] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = dict(details or {})


class BadRequest(XoError):
    """400: the request is malformed or incomplete, or a value has the wrong type."""

    code = "bad_request"


class Unauthorized(XoError):
    """401: the request has no valid access token, or no account is signed in upstream."""

    code = "unauthorized"


class Forbidden(XoError):
    """403: a path is outside the home folder, or an origin or host is not allowed."""

    code = "forbidden"


class NotFound(XoError):
    """404: the session, stream, file or other resource does not exist."""

    code = "not_found"


class Conflict(XoError):
    """409: the resource's current state does not allow the request."""

    code = "conflict"


class PreconditionFailed(XoError):
    """412: the resource has changed since the client read it."""

    code = "precondition_failed"


class TooLarge(XoError):
    """413: the body or file has more bytes than the route accepts."""

    code = "too_large"


class Unsupported(XoError):
    """501: the runtime does not have the ability."""

    code = "unsupported"


class UpstreamFailed(XoError):
    """502: a service behind this server failed."""

    code = "upstream_failed"


class Unavailable(XoError):
    """503: the plugin or tool is missing or not ready. `retry_after` is in seconds."""

    code = "unavailable"

    def __init__(
        self,
        message: str,
        *,
        details: Mapping[str, JsonValue] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message, details=details)
        self.retry_after = retry_after


class AgentFailure(XoError):
    """Raised by `Runtime.run`: the turn ends in `agent-error` with this message and code.

    Codes in use: `auth`, `rate_limit`, `overloaded`, `upstream`, `network`, `bad_request`,
    `timeout`, `crashed`, `restart`, `silent`, `not_installed`, `internal`.
    """

    code = "agent_failure"

    def __init__(self, message: str, *, code: str = "upstream") -> None:
        super().__init__(message)
        self.code = code
