"""What rclone prints, and the error that people get."""

from collections.abc import Sequence

import pytest

from xo_cowork_core.sdk import (
    Conflict,
    Forbidden,
    NotFound,
    Unavailable,
    UpstreamFailed,
    XoError,
)
from xo_lib_rclone.errors import SectionMissing, TokenRefused, translate_failure

GOOGLE = "couldn't list directory: googleapi: Error "
ROWS: Sequence[tuple[int, str, type[XoError], str | None]] = [
    (404, "error in ListJSON: directory not found", NotFound, None),
    (404, "failed to find object: object not found", NotFound, None),
    (404, "", NotFound, None),
    (404, 'failed to open "error 401: x, authError": object not found', NotFound, None),
    (500, "googleapi: got HTTP response code 401 with body: <html>", TokenRefused, None),
    (500, GOOGLE + "404: File not found: x., notFound", NotFound, None),
    (500, 'didn\'t find section in config file ("work")', SectionMissing, None),
    (500, GOOGLE + "401: Invalid Credentials, authError", TokenRefused, None),
    (500, "couldn't fetch token: invalid_grant: maybe token expired?", TokenRefused, None),
    (500, "token expired and there's no refresh token - manually refresh", TokenRefused, None),
    (500, "InvalidAuthenticationToken: Access token is empty or invalid.", TokenRefused, None),
    (500, GOOGLE + "403: Rate Limit, userRateLimitExceeded", Unavailable, "rate_limited"),
    (500, "activityLimitReached: throttledRequest: Too Many Requests", Unavailable, "rate_limited"),
    (500, "HTTP error 429 (429 Too Many Requests) returned", Unavailable, "rate_limited"),
    (500, GOOGLE + "403: full, storageQuotaExceeded", Conflict, "storage_full"),
    (500, GOOGLE + "403: Drive API disabled, accessNotConfigured", Unavailable, "not_configured"),
    (500, GOOGLE + "403: no, insufficientFilePermissions", Forbidden, None),
    (500, GOOGLE + "503: backendError", Unavailable, "upstream_unreachable"),
    (500, 'Get "https://x": dial tcp: lookup x: no such host', Unavailable, "upstream_unreachable"),
    (500, "tls: failed to verify certificate: x509: unknown", Unavailable, "upstream_unreachable"),
    (500, "remove work: directory not empty", Conflict, "not_empty"),
    (500, "failed to find object: is a directory not a file", Conflict, "is_folder"),
    (500, "something that nobody has seen", UpstreamFailed, None),
]


@pytest.mark.parametrize(("status", "text", "kind", "code"), ROWS)
def test_a_failure_of_rclone_says_what_to_do(
    status: int, text: str, kind: type[XoError], code: str | None
) -> None:
    error = translate_failure(status, text, "Acme")
    assert type(error) is kind
    assert error.details.get("code") == code
    if isinstance(error, Unavailable) and code != "not_configured":
        assert error.retry_after
    # rclone's text has addresses and paths
    assert text not in error.message or not text
