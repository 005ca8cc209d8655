"""Requests to the XO service with the token of the sign-in.

Each carries an `Idempotency-Key`, by which the service can tell a repetition.
"""

from pydantic import SecretStr

from xo_cowork_core.sdk import HttpClient, HttpResponse, Unavailable, UpstreamFailed
from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.services.identity.identity import Identity

REQUEST_SECONDS = 30.0
MESSAGE_PATH = "/chat/add_message"
USAGE_PATH = "/usage/report"


class RecordRefused(Exception):
    """The service refuses what was sent, and would refuse it again."""


class SwarmApi:
    """The requests of one server."""

    def __init__(self, http: HttpClient, identity: Identity) -> None:
        self._http = http
        self._identity = identity

    async def add_message(self, key: str, message: JsonValue) -> None:
        """Add a message of a chat. Raises as `report_usage`, and RecordRefused."""
        answer = await self._send(MESSAGE_PATH, key, message)
        if answer.status in {400, 404, 409, 413, 422}:
            raise RecordRefused(f"status {answer.status}")
        _require_success(answer)

    async def report_usage(self, key: str, records: list[JsonValue]) -> None:
        """Report some days. Raises Unauthorized when nobody is signed in, UpstreamFailed."""
        _require_success(await self._send(USAGE_PATH, key, {"records": records}))

    async def _send(self, path: str, key: str, body: JsonValue) -> HttpResponse:
        token = await self._identity.token()
        answer = await self._post(path, key, body, token)
        if answer.status == 401:
            answer = await self._post(path, key, body, await self._identity.renew(token))
        return answer

    async def _post(self, path: str, key: str, body: JsonValue, token: SecretStr) -> HttpResponse:
        headers: dict[str, str | SecretStr] = {
            "accept": "application/json",
            "authorization": SecretStr(f"Bearer {token.get_secret_value()}"),
            "idempotency-key": key,
        }
        url = self._identity.base_url + path
        try:
            return await self._http.request(
                "POST", url, json=body, headers=headers, timeout=REQUEST_SECONDS
            )
        except Unavailable as error:
            raise UpstreamFailed(error.message) from None


def _require_success(answer: HttpResponse) -> None:
    if not 200 <= answer.status < 300:
        raise UpstreamFailed(f"The XO service answered with status {answer.status}.")
