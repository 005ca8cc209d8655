"""Requests to the identity service: the browser sign-in, refresh, and who the token belongs to.

Every method raises UpstreamFailed (502) when the service can't be reached, fails, or sends an
answer that can't be read. Requests go to the configured address alone: redirects are refused.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias
from urllib.parse import quote

from pydantic import SecretStr

from xo_cowork_core.sdk import (
    HttpClient,
    HttpResponse,
    Unauthorized,
    Unavailable,
    UpstreamFailed,
    XoError,
)
from xo_cowork_core.sdk.connector import Account, TokenSet
from xo_cowork_core.sdk.events.base import Json, JsonValue
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.connectors.connection import is_expired
from xo_cowork_core.services.connectors.errors import InvalidGrant
from xo_cowork_core.services.connectors.token_answers import parse_tokens
from xo_cowork_core.services.connectors.token_store import StoredConnection

REQUEST_SECONDS = 15.0
MAX_ANSWER_BYTES = 256 * 1024
MAX_TEXT_CHARACTERS = 8192
SignInStatus: TypeAlias = Literal["pending", "approved", "expired"]
STATUS_WORDS: dict[str, SignInStatus] = {
    "pending": "pending",
    "approved": "approved",
    "completed": "approved",
    "expired": "expired",
    "consumed": "expired",
    "denied": "expired",
}


class IdentityPaths(NamedTuple):
    """The paths of the service's requests, below its address."""

    start: str
    status: str
    consume: str
    refresh: str
    user_id: str


class StartedSignIn(NamedTuple):
    """A browser sign-in that waits for a person."""

    authorize_url: str
    auth_session_id: str
    poll_token: SecretStr


class IdentityApi:
    """The requests to one identity service. `base_url` has no slash at its end."""

    def __init__(self, http: HttpClient, base_url: str, paths: IdentityPaths, clock: Clock) -> None:
        self._http = http
        self._base_url = base_url
        self._paths = paths
        self._clock = clock

    async def start(
        self, scopes: Sequence[str] | None, client_reference: str | None
    ) -> StartedSignIn:
        """Begin a browser sign-in."""
        body: dict[str, JsonValue] = {"scopes": None if scopes is None else [*scopes]}
        body["client_reference"] = client_reference
        answer = await self._send("POST", self._paths.start, json=body)
        members = _members(_successful(answer))
        started = StartedSignIn(
            authorize_url=_text(members, "authorize_url"),
            auth_session_id=_text(members, "auth_session_id"),
            poll_token=SecretStr(_text(members, "poll_token")),
        )
        is_whole = started.auth_session_id and started.poll_token.get_secret_value()
        if not is_whole or not started.authorize_url.startswith(("https://", "http://")):
            raise UpstreamFailed("The identity service sent an incomplete sign-in.")
        return started

    async def status(self, auth_session_id: str, poll_token: SecretStr) -> SignInStatus:
        """Return the state of a browser sign-in. Raises Unauthorized for a wrong poll token."""
        path = f"{self._paths.status}/{quote(auth_session_id, safe='')}"
        # the service takes the poll token in the query alone
        params = {"poll_token": poll_token.get_secret_value()}
        answer = await self._send("GET", path, params=params)
        if answer.status in {404, 410}:
            return "expired"
        if answer.status in {400, 401, 403}:
            raise Unauthorized("The identity service refuses the poll token.")
        status = STATUS_WORDS.get(_text(_members(_successful(answer)), "status"))
        if status is None:
            raise UpstreamFailed("The identity service sent an unknown state.")
        return status

    async def consume(self, auth_session_id: str, poll_token: SecretStr) -> TokenSet:
        """Exchange an approved sign-in for tokens, which works once.

        Raises Unauthorized when the service refuses it.
        """
        body: dict[str, JsonValue] = {"auth_session_id": auth_session_id}
        body["poll_token"] = poll_token.get_secret_value()
        answer = await self._send("POST", self._paths.consume, json=body)
        if _is_refusal(answer):
            raise Unauthorized(
                "The identity service refuses this sign-in: it is not approved, was used before, "
                "or has expired."
            )
        return self._tokens(answer)

    async def refresh(self, connector: str, row: StoredConnection) -> TokenSet:
        """Return new tokens; implements `RefreshesTokens`.

        Also raises InvalidGrant when a person has to sign in again: the service refuses, or does
        not renew sign-ins and this one has expired.
        """
        tokens = row.tokens
        assert tokens is not None
        assert tokens.refresh_token is not None
        body: dict[str, JsonValue] = {"refresh_token": tokens.refresh_token.get_secret_value()}
        if session := tokens.extra.get("auth_session_id"):
            body["auth_session_id"] = session.get_secret_value()
        answer = await self._send("POST", self._paths.refresh, json=body)
        if answer.status in {400, 401, 403}:
            raise InvalidGrant(
                "The identity service no longer accepts this sign-in: sign in again."
            )
        if answer.status in {404, 405, 501} and is_expired(tokens, self._clock.now()):
            raise InvalidGrant("The sign-in has expired, and can't be renewed.")
        fresh = self._tokens(answer)
        return TokenSet(
            access_token=fresh.access_token,
            # what the service does not send again stays
            refresh_token=fresh.refresh_token or tokens.refresh_token,
            expires_at=fresh.expires_at,
            scopes=fresh.scopes or tokens.scopes,
            extra={**tokens.extra, **fresh.extra},
        )

    async def identify(self, token: SecretStr) -> Account:
        """Return whose token it is. Raises Unauthorized when the service refuses it."""
        answer = await self._send("GET", self._paths.user_id, token=token)
        if answer.status in {401, 403}:
            raise Unauthorized("The identity service refuses the token: sign in again.")
        members = _members(_successful(answer))
        user_id = members.get("user_id")
        if isinstance(user_id, int) and not isinstance(user_id, bool):
            user_id = str(user_id)
        if not isinstance(user_id, str) or not 0 < len(user_id) <= MAX_TEXT_CHARACTERS:
            raise UpstreamFailed("The identity service did not say whose token it is.")
        return Account(user_id, email=_text(members, "email"))

    def _tokens(self, answer: HttpResponse) -> TokenSet:
        _members(_successful(answer))
        try:
            return parse_tokens(answer, self._clock.now())
        except XoError:
            raise UpstreamFailed("The identity service sent no usable token.") from None

    async def _send(
        self,
        method: str,
        path: str,
        *,
        json: JsonValue = None,
        params: dict[str, str] | None = None,
        token: SecretStr | None = None,
    ) -> HttpResponse:
        headers: dict[str, str | SecretStr] = {"accept": "application/json"}
        if token is not None:
            headers["authorization"] = SecretStr(f"Bearer {token.get_secret_value()}")
        try:
            return await self._http.request(
                method,
                self._base_url + path,
                json=json,
                params=params,
                headers=headers,
                timeout=REQUEST_SECONDS,
            )
        except Unavailable as error:
            # to clients a service that can't be reached is trouble upstream: 502
            raise UpstreamFailed(f"The identity service: {_inner(error)}") from None
        except UpstreamFailed as error:
            raise UpstreamFailed(f"The identity service: {_inner(error)}") from None


def _inner(error: XoError) -> str:
    """Return the client's sentence, as the second part of another."""
    return error.message[:1].lower() + error.message[1:]


def _is_refusal(answer: HttpResponse) -> bool:
    """Return whether an answer is about the sign-in, and not a fault that passes."""
    return 400 <= answer.status < 500 and answer.status not in {405, 408, 421, 425, 429}


def _successful(answer: HttpResponse) -> HttpResponse:
    if 300 <= answer.status < 400:
        raise UpstreamFailed(
            "The identity service answers with a redirect, which is not followed: "
            "check CHAT_API_BASE_URL."
        )
    if not 200 <= answer.status < 300:
        raise UpstreamFailed(f"The identity service answered with status {answer.status}.")
    return answer


def _members(answer: HttpResponse) -> Json:
    if len(answer.body) > MAX_ANSWER_BYTES:
        raise UpstreamFailed("The identity service sent an answer that is too large.")
    try:
        value = answer.json()
    except UpstreamFailed:
        value = None
    if not isinstance(value, dict):
        raise UpstreamFailed("The identity service sent an answer that is not a JSON object.")
    return value


def _text(members: Json, name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) and len(value) <= MAX_TEXT_CHARACTERS else ""
