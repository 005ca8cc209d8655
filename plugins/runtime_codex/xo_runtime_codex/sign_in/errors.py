"""Errors of a sign-in, with the codes of the host's login engine."""

import re

from xo_cowork_core.sdk import Unauthorized, Unavailable, UpstreamFailed, XoError

STATUS = re.compile(r"status:? (\d{3})")
REFUSED = range(400, 500)


class ToolMissing(Unavailable):
    """503: a program is not installed."""

    code = "tool_missing"


class AccessDenied(Unauthorized):
    """A person, or the issuer, refused the sign-in."""

    code = "access_denied"


class Expired(Unauthorized):
    """Nobody approved the device code in time."""

    code = "expired_token"


def error_of(printed: str) -> XoError:
    """Return the error for what Codex says of a sign-in that failed; its text is not shown."""
    lowered = printed.lower()
    status = STATUS.search(lowered)
    if "timed out" in lowered or "expired" in lowered:
        return Expired("The code was not entered in time. Start again.")
    if "denied" in lowered or (status and int(status[1]) in REFUSED):
        return AccessDenied("OpenAI refused the sign-in.")
    if status:
        return UpstreamFailed(f"OpenAI's sign-in service answered with status {status[1]}.")
    if "error sending request" in lowered:
        return UpstreamFailed("OpenAI's sign-in service can't be reached.")
    return UpstreamFailed("Codex ended without a sign-in.")
