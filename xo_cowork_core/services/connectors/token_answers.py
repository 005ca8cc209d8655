"""Answers of token and device endpoints: RFC 6749 §5, and where providers differ from it.

Some answer errors with status 200, some send forms instead of JSON.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

from pydantic import SecretStr

from xo_cowork_core.sdk import HttpResponse, UpstreamFailed, XoError
from xo_cowork_core.sdk.connector import TokenSet
from xo_cowork_core.sdk.events.base import Json, JsonValue
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_cowork_core.services.connectors.errors import (
    AccessDenied,
    ExpiredToken,
    InvalidClient,
    InvalidGrant,
    UpstreamError,
    UpstreamUnreachable,
)

ERROR_NAME = re.compile(r"[a-z_]{1,64}")
DEFAULT_INTERVAL_SECONDS = 5
MAX_INTERVAL_SECONDS = 60
MAX_DEVICE_SECONDS = 3600
MAX_LIFE_SECONDS = 10 * 365 * 86400
MAX_RETRY_AFTER_SECONDS = 3600
STANDARD_MEMBERS = frozenset(
    {"access_token", "refresh_token", "token_type", "scope", "expires_in", "expires_at"}
)
ERROR_TYPES: Mapping[str, type[XoError]] = {
    "invalid_grant": InvalidGrant,
    "bad_verification_code": InvalidGrant,
    "bad_refresh_token": InvalidGrant,
    "incorrect_device_code": InvalidGrant,
    "invalid_client": InvalidClient,
    "unauthorized_client": InvalidClient,
    "incorrect_client_credentials": InvalidClient,
    "access_denied": AccessDenied,
    "authorization_declined": AccessDenied,
    "expired_token": ExpiredToken,
    "temporarily_unavailable": UpstreamUnreachable,
    "server_error": UpstreamUnreachable,
}
ERROR_TEXTS: Mapping[type[XoError], str] = {
    InvalidGrant: "The service no longer accepts this sign-in.",
    InvalidClient: "The service does not know this server as a client, or refuses its secret.",
    AccessDenied: "Access was denied.",
    ExpiredToken: "The code was not entered in time.",
    UpstreamUnreachable: "The service is overloaded at the moment.",
}


class AuthorizationPending(Exception):  # not an error
    """The person has not approved yet. `interval` is set when the server asks to poll slower."""

    def __init__(self, *, is_too_fast: bool, interval: int | None) -> None:
        super().__init__("authorization pending")
        self.is_too_fast = is_too_fast
        self.interval = interval


@frozen_dataclass
class DeviceAuthorization:
    """An answer of RFC 8628 §3.2; times in seconds."""

    device_code: SecretStr
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int


def parse_tokens(answer: HttpResponse, now: datetime, requested: Sequence[str] = ()) -> TokenSet:
    """Return the tokens of an answer. Raises the error that it reports."""
    members = parse_members(answer)
    access_token = members.get("access_token")
    if not isinstance(access_token, str) or not access_token:
        raise UpstreamError("The service sent no access token.")
    refresh_token = members.get("refresh_token")
    scope = members.get("scope")
    scopes = re.split(r"[ ,]+", scope.strip()) if isinstance(scope, str) else list(requested)
    token_type = members.get("token_type")
    expires_in = _seconds(members.get("expires_in"))
    return TokenSet(
        access_token=SecretStr(access_token),
        refresh_token=SecretStr(refresh_token)
        if isinstance(refresh_token, str) and refresh_token
        else None,
        expires_at=None if expires_in is None else now + timedelta(seconds=expires_in),
        token_type=token_type if isinstance(token_type, str) and token_type else "Bearer",
        scopes=tuple(each for each in scopes if each),
        extra={
            name: SecretStr(value)
            for name, value in members.items()
            if isinstance(value, str) and name not in STANDARD_MEMBERS
        },
    )


def parse_device_authorization(answer: HttpResponse) -> DeviceAuthorization:
    """Return the codes of an answer. Raises the error that it reports."""
    members = parse_members(answer)
    device_code, user_code = _text(members, "device_code"), _text(members, "user_code")
    uri = _text(members, "verification_uri") or _text(members, "verification_url")
    expires_in = _seconds(members.get("expires_in"))
    if not device_code or not user_code or not _is_web_address(uri) or not expires_in:
        raise UpstreamError("The service sent an incomplete device code.")
    complete = _text(members, "verification_uri_complete")
    interval = _seconds(members.get("interval"))
    return DeviceAuthorization(
        device_code=SecretStr(device_code),
        user_code=user_code,
        verification_uri=uri,
        verification_uri_complete=complete if _is_web_address(complete) else "",
        expires_in=min(expires_in, MAX_DEVICE_SECONDS),
        interval=min(interval or DEFAULT_INTERVAL_SECONDS, MAX_INTERVAL_SECONDS),
    )


def parse_members(answer: HttpResponse) -> Json:
    """Return the members of a successful answer, JSON or a form.

    Raises AuthorizationPending, or the error that the answer reports.
    """
    members = _read_members(answer)
    name = members.get("error")
    if isinstance(name, str) and name:
        _raise_error(name, members, answer)
    if answer.status >= 500 or answer.status == 429:
        raise unreachable(answer)
    if not 200 <= answer.status < 300:
        raise UpstreamError(f"The service answered with status {answer.status}.")
    return members


def unreachable(answer: HttpResponse) -> UpstreamUnreachable:
    """Return the error of an answer with status 429 or 5xx."""
    retry_after = answer.headers.get("retry-after", "")
    seconds = int(retry_after) if retry_after.isdecimal() and len(retry_after) < 6 else None
    return UpstreamUnreachable(
        f"The service answered with status {answer.status}: it is overloaded or failing.",
        retry_after=None if seconds is None else min(seconds, MAX_RETRY_AFTER_SECONDS),
    )


def _raise_error(name: str, members: Json, answer: HttpResponse) -> None:
    if name in {"authorization_pending", "slow_down"}:
        interval = _seconds(members.get("interval"))
        raise AuthorizationPending(is_too_fast=name == "slow_down", interval=interval)
    error_type = ERROR_TYPES.get(name)
    if error_type is UpstreamUnreachable or (
        error_type is None and (answer.status >= 500 or answer.status == 429)
    ):
        raise unreachable(answer)
    shown = name if ERROR_NAME.fullmatch(name) else "unknown error"
    text = ERROR_TEXTS[error_type] if error_type else f"The service answered: {shown}."
    raise (error_type or UpstreamError)(text)


def _read_members(answer: HttpResponse) -> Json:
    content_type = answer.headers.get("content-type", "")
    if not answer.body.lstrip().startswith(b"{") and "json" not in content_type:
        pairs: dict[str, JsonValue] = {}
        if b"=" in answer.body and "html" not in content_type:
            pairs.update(parse_qsl(answer.text.strip()))
        return pairs
    try:
        value = answer.json()
    except UpstreamFailed:
        value = None
    if isinstance(value, dict):
        return value
    if 200 <= answer.status < 300:
        raise UpstreamError("The service sent an answer that is not an OAuth answer.")
    return {}


def _text(members: Json, name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""


def _seconds(value: JsonValue) -> int | None:
    """Return a number of seconds that may also be sent as text; None without a usable one."""
    if isinstance(value, str) and value.isdecimal():
        value = int(value[:12])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # false for NaN too
    return int(value) if 0 <= value <= MAX_LIFE_SECONDS else None


def _is_web_address(url: str) -> bool:
    """Return whether a client may open a URL: no `javascript:` or `file:`."""
    return url.startswith(("https://", "http://"))
