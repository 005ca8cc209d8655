"""The request by which most services say who the tokens belong to."""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from pydantic import SecretStr

from xo_cowork_core.sdk.connector.tokens import TokenSet
from xo_cowork_core.sdk.errors import Unauthorized, Unavailable, UpstreamFailed
from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.sdk.http import HttpClient, HttpResponse

MAX_RETRY_SECONDS = 3600
MAX_DIGITS = 16
RATE_LIMIT = "The rate limit of the service is reached."


async def fetch_account(
    http: HttpClient, url: str, tokens: TokenSet, *, key_header: str = ""
) -> Mapping[str, JsonValue]:
    """Return the JSON object at `url`, requested with the access token.

    The token is sent as `Authorization: Bearer`, or alone in `key_header`. Raises as
    `Connector.identify` must: `Unauthorized` for 401, and for 403 unless that is a rate limit;
    `Unavailable` for a rate limit, 429 and 5xx; `UpstreamFailed` for any other answer.
    """
    response = await request_account(http, url, tokens, key_header=key_header)
    return read_account(response)


async def request_account(
    http: HttpClient,
    url: str,
    tokens: TokenSet,
    *,
    key_header: str = "",
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Return the answer at `url`, for connectors that need its headers.

    Raises for the statuses for which `fetch_account` raises `Unauthorized` or `Unavailable`.
    """
    token = tokens.access_token.get_secret_value()
    header, value = (key_header, token) if key_header else ("Authorization", f"Bearer {token}")
    response = await http.request(
        "GET",
        url,
        headers={"Accept": "application/json", **(headers or {}), header: SecretStr(value)},
    )
    if response.status == 429 or _is_rate_limit(response):
        raise Unavailable(RATE_LIMIT, retry_after=_retry_after(response))
    if response.status >= 500:
        raise Unavailable("The service is overloaded.", retry_after=_retry_after(response))
    if response.status in {401, 403}:
        raise Unauthorized("The service refuses the sign-in.")
    return response


def read_account(response: HttpResponse) -> Mapping[str, JsonValue]:
    """Return the JSON object of an answer. Raises `UpstreamFailed` when it is none."""
    account = response.json() if response.status == 200 else None
    if not isinstance(account, Mapping):
        raise UpstreamFailed(f"The service sent no account but status {response.status}.")
    return account


def _is_rate_limit(response: HttpResponse) -> bool:
    headers = response.headers
    return response.status == 403 and (
        "retry-after" in headers
        or headers.get("x-ratelimit-remaining") == "0"
        or "rate limit" in response.text.lower()
    )


def _retry_after(response: HttpResponse) -> int | None:
    headers = response.headers
    seconds = _number(headers.get("retry-after", ""))
    reset = _number(headers.get("x-ratelimit-reset", ""))
    if seconds is None and reset is not None and headers.get("x-ratelimit-remaining") == "0":
        # a time of the service's clock
        seconds = max(1, reset - _server_time(headers.get("date", "")))
    return None if seconds is None else min(seconds, MAX_RETRY_SECONDS)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < MAX_DIGITS else None


def _server_time(date: str) -> int:
    try:
        return int(parsedate_to_datetime(date).timestamp())
    except ValueError:
        return int(time.time())
