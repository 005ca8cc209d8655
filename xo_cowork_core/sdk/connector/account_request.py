"""The request by which most services say who the tokens belong to."""

from collections.abc import Mapping

from pydantic import SecretStr

from xo_cowork_core.sdk.connector.tokens import TokenSet
from xo_cowork_core.sdk.errors import Unauthorized, Unavailable, UpstreamFailed
from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.sdk.http import HttpClient, HttpResponse

MAX_RETRY_SECONDS = 3600


async def fetch_account(
    http: HttpClient, url: str, tokens: TokenSet, *, key_header: str = ""
) -> Mapping[str, JsonValue]:
    """Return the JSON object at `url`, requested with the access token.

    The token is sent as `Authorization: Bearer`, or alone in `key_header`. Raises as
    `Connector.identify` must: `Unauthorized` for 401, and for 403 unless that is a rate limit;
    `Unavailable` for a rate limit, 429 and 5xx; `UpstreamFailed` for any other answer.
    """
    token = tokens.access_token.get_secret_value()
    header, value = (key_header, token) if key_header else ("Authorization", f"Bearer {token}")
    response = await http.request(
        "GET", url, headers={header: SecretStr(value), "Accept": "application/json"}
    )
    if response.status in {429, *range(500, 600)} or _is_rate_limit(response):
        raise Unavailable("The service is overloaded.", retry_after=_retry_after(response))
    if response.status in {401, 403}:
        raise Unauthorized("The service refuses the sign-in.")
    account = response.json() if response.status == 200 else None
    if not isinstance(account, Mapping):
        raise UpstreamFailed(f"The service sent no account but status {response.status}.")
    return account


def _is_rate_limit(response: HttpResponse) -> bool:
    headers = response.headers
    return response.status == 403 and (
        "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"
    )


def _retry_after(response: HttpResponse) -> int | None:
    text = response.headers.get("retry-after", "")
    return min(int(text), MAX_RETRY_SECONDS) if text.isascii() and text.isdigit() else None
