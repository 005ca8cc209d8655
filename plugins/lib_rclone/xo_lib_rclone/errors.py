"""Translates failures of rclone into errors that say what to do.

rclone answers most failures with status 500 and a Go error text; what the text contains selects
the error. The text itself may have addresses and paths, so that people get a sentence of ours.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from xo_cowork_core.sdk import (
    Conflict,
    Forbidden,
    NotFound,
    Unauthorized,
    Unavailable,
    UpstreamFailed,
    XoError,
)

RATE_LIMIT_SECONDS = 30
OVERLOAD_SECONDS = 10


class TokenRefused(Unauthorized):
    """The service refuses the access token that rclone has."""


class SectionMissing(UpstreamFailed):
    """rclone's configuration has no such remote (any more)."""


class DaemonLost(Unavailable):
    """503: rclone ended, or does not answer."""


class NeedsSignIn(Conflict):
    """409: a person has to sign in (again) before the remote works."""

    code = "needs_auth"


def tool_missing(message: str) -> Unavailable:
    """Return the error of a program that is not installed."""
    return Unavailable(message, details={"code": "tool_missing"})


def tool_too_old(message: str) -> Unavailable:
    """Return the error of a program whose version lacks what is needed."""
    return Unavailable(message, details={"code": "tool_too_old"})


class _Row(NamedTuple):
    """One kind of failure: the pattern of rclone's text, and the error for people."""

    pattern: re.Pattern[str]
    build: Callable[[str], XoError]


def _row(pattern: str, build: Callable[[str], XoError]) -> _Row:
    return _Row(re.compile(pattern, re.IGNORECASE), build)


# the first row that matches counts
ROWS: Sequence[_Row] = (
    _row(
        r"didn't find section in config file",
        lambda _: SectionMissing("rclone does not know this remote."),
    ),
    _row(
        r"couldn't fetch token|invalid_grant|token expired|no refresh token|empty token"
        r"|InvalidAuthenticationToken|unauthenticated|(error|code) 401\b|401 unauthorized"
        r"|authError",
        lambda title: TokenRefused(f"{title} refuses the sign-in."),
    ),
    _row(
        r"storageQuotaExceeded|quotaLimitReached|insufficient storage|storage quota",
        lambda title: Conflict(f"{title} has no space left.", details={"code": "storage_full"}),
    ),
    _row(
        r"rateLimitExceeded|dailyLimitExceeded|quotaExceeded|activityLimitReached|error 429"
        r"|429 too many|too many requests|throttled",
        lambda title: Unavailable(
            f"{title} limits requests at the moment: try again later.",
            details={"code": "rate_limited"},
            retry_after=RATE_LIMIT_SECONDS,
        ),
    ),
    _row(
        r"accessNotConfigured|service_disabled",
        lambda title: Unavailable(
            f"The API of {title} is not enabled for this client id: enable it in the project of "
            "the client id.",
            details={"code": "not_configured"},
        ),
    ),
    _row(
        r"directory not empty",
        lambda _: Conflict("The folder is not empty.", details={"code": "not_empty"}),
    ),
    _row(
        r"is a directory not a file|not a regular file",
        lambda _: Conflict("This is a folder, not a file.", details={"code": "is_folder"}),
    ),
    _row(
        r"is a file not a directory|not a directory|error in ListJSON: is a file",
        lambda _: Conflict("This is a file, not a folder.", details={"code": "is_file"}),
    ),
    _row(
        r"directory not found|object not found|itemNotFound|no such file|error 404|notFound",
        lambda _: NotFound("There is no such file or folder in this remote."),
    ),
    _row(
        r"error 403|403 forbidden|accessDenied|permission",
        lambda title: Forbidden(f"{title} does not allow this."),
    ),
    _row(
        r"error 5\d\d|5\d\d (internal|bad|service|gateway)|backendError|serviceNotAvailable"
        r"|dial tcp|no such host|connection re(fused|set)|i/o timeout|tls|x509|proxyconnect"
        r"|unexpected EOF|deadline exceeded|server closed",
        lambda title: Unavailable(
            f"{title} can't be reached, or is overloaded: try again later.",
            details={"code": "upstream_unreachable"},
            retry_after=OVERLOAD_SECONDS,
        ),
    ),
)


def translate_failure(status: int, text: str, title: str) -> XoError:
    """Return the error for rclone's answer; `title` is the service's name for people."""
    # rclone's own status; its text may have a client's path, which could look like another row
    if status == 404:
        return NotFound("There is no such file or folder in this remote.")
    for row in ROWS:
        if row.pattern.search(text):
            return row.build(title)
    return UpstreamFailed(f"{title} answered with an error that rclone can't explain.")
