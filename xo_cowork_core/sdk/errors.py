"""Errors that may leave a service or a plugin.

Each class has a stable `code` (a word that a program may compare) and stands for one HTTP
status, which `api/errors.py` alone assigns. The message is shown to people: it says what is
wrong and what to do, and never holds a secret, a traceback or a path outside the workspace.
"""

from collections.abc import Mapping

from xo_cowork_core.sdk.events.base import JsonValue


class XoError(Exception):
    """Base of every expected error.

    `message` is the text of `detail`. `details`, where a machine needs more, makes `detail` an
    object with `error` (the code), `message` and these keys beside them.
    """

    code = "error"

    def __init__(self, message: str, *, details: Mapping[str, JsonValue] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = dict(details or {})


class BadRequest(XoError):
    """400: the request itself is malformed, wrong-typed or incomplete."""

    code = "bad_request"


class Unauthorized(XoError):
    """401: no inbound token, or nobody is signed in upstream."""

    code = "unauthorized"


class Forbidden(XoError):
    """403: outside the home folder, or an origin or host that is not allowed."""

    code = "forbidden"


class NotFound(XoError):
    """404: no such session, stream, file, …"""

    code = "not_found"


class Conflict(XoError):
    """409: true at another moment, not now."""

    code = "conflict"


class PreconditionFailed(XoError):
    """412: the thing changed since the caller read it."""

    code = "precondition_failed"


class TooLarge(XoError):
    """413: more bytes than the route takes."""

    code = "too_large"


class Unsupported(XoError):
    """501: this runtime lacks the ability."""

    code = "unsupported"


class UpstreamFailed(XoError):
    """502: a service behind this one failed."""

    code = "upstream_failed"


class Unavailable(XoError):
    """503: the plugin or tool is not there, or not yet. `retry_after` is in seconds."""

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
    """Raised inside `Runtime.run`: the turn ends in `agent-error` with this message and code.

    Codes in use: `auth`, `rate_limit`, `overloaded`, `upstream`, `network`, `bad_request`,
    `timeout`, `crashed`, `restart`, `not_installed`, `internal`.
    """

    code = "agent_failure"

    def __init__(self, message: str, *, code: str = "upstream") -> None:
        super().__init__(message)
        self.code = code
