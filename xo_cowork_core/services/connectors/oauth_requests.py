"""OAuth requests: tokens, device authorization, revocation and client registration.

Every method raises UpstreamUnreachable when the server can't be reached or is overloaded, and
UpstreamError for an answer that is not OAuth.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal, TypeAlias
from urllib.parse import quote_plus

from pydantic import SecretStr

from xo_cowork_core.sdk import HttpClient, HttpResponse, Unavailable, UpstreamFailed
from xo_cowork_core.sdk.connector import TokenSet
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.connectors.discovery import ServerMetadata
from xo_cowork_core.services.connectors.errors import (
    RegistrationFailed,
    UpstreamError,
    UpstreamUnreachable,
)
from xo_cowork_core.services.connectors.token_answers import (
    DeviceAuthorization,
    parse_device_authorization,
    parse_members,
    parse_tokens,
    unreachable,
)

TIMEOUT_SECONDS = 25.0
REVOKE_SECONDS = 5.0
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
ClientAuthentication: TypeAlias = Literal["none", "basic", "post"]
Form: TypeAlias = Mapping[str, str | SecretStr]


@frozen_dataclass
class ClientCredentials:
    """A client at one authorization server. `registered` says that it was registered by us."""

    client_id: str
    client_secret: SecretStr | None = None
    authentication: ClientAuthentication = "none"
    registered: bool = False


class OAuthRequests:
    """Sends OAuth requests for all connectors of one app."""

    def __init__(self, http: HttpClient, clock: Clock) -> None:
        self._http = http
        self._clock = clock

    async def exchange_code(
        self,
        metadata: ServerMetadata,
        client: ClientCredentials,
        *,
        code: SecretStr,
        verifier: SecretStr,
        redirect_uri: str,
        scopes: Sequence[str] = (),
    ) -> TokenSet:
        """Exchange an authorization code. Also raises InvalidGrant, InvalidClient."""
        form: Form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        return await self._request_tokens(metadata, client, form, scopes)

    async def refresh(
        self, metadata: ServerMetadata, client: ClientCredentials, tokens: TokenSet
    ) -> TokenSet:
        """Return new tokens; what the server does not send again is taken over from the old ones.

        Also raises InvalidGrant, InvalidClient.
        """
        assert tokens.refresh_token is not None
        form: Form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
        fresh = await self._request_tokens(metadata, client, form, tokens.scopes)
        return replace(
            fresh,
            refresh_token=fresh.refresh_token or tokens.refresh_token,
            extra={**tokens.extra, **fresh.extra},
        )

    async def authorize_device(
        self,
        metadata: ServerMetadata,
        client: ClientCredentials,
        scopes: Sequence[str],
        parameters: Mapping[str, str],
    ) -> DeviceAuthorization:
        """Request a device code. Also raises InvalidClient."""
        form: dict[str, str | SecretStr] = {**parameters}
        if scopes:
            form["scope"] = " ".join(scopes)
        url = metadata.endpoint("device_authorization_endpoint")
        return parse_device_authorization(await self._post(url, metadata, client, form))

    async def poll_device(
        self,
        metadata: ServerMetadata,
        client: ClientCredentials,
        device_code: SecretStr,
        scopes: Sequence[str] = (),
    ) -> TokenSet:
        """Ask once for the tokens of a device code.

        Also raises AuthorizationPending, AccessDenied, ExpiredToken, InvalidGrant, InvalidClient.
        """
        form: Form = {"grant_type": DEVICE_GRANT, "device_code": device_code}
        return await self._request_tokens(metadata, client, form, scopes)

    async def revoke(
        self, metadata: ServerMetadata, client: ClientCredentials, tokens: TokenSet
    ) -> None:
        """Revoke both tokens (RFC 7009), the refresh token first."""
        url = metadata.endpoint("revocation_endpoint")
        for hint, token in (
            ("refresh_token", tokens.refresh_token),
            ("access_token", tokens.access_token),
        ):
            if token is not None:
                form: Form = {"token": token, "token_type_hint": hint}
                answer = await self._post(url, metadata, client, form, timeout=REVOKE_SECONDS)
                _check_revocation(answer)

    async def register(
        self,
        metadata: ServerMetadata,
        *,
        client_name: str,
        redirect_uris: Sequence[str],
        grant_types: Sequence[str],
        scopes: Sequence[str],
    ) -> ClientCredentials:
        """Register a public client (RFC 7591). Also raises RegistrationFailed."""
        document: dict[str, str | list[str]] = {
            "client_name": client_name,
            "redirect_uris": list(redirect_uris),
            "grant_types": list(grant_types),
            "response_types": ["code"] if redirect_uris else [],
            "token_endpoint_auth_method": "none",
        }
        if scopes:
            document["scope"] = " ".join(scopes)
        url = metadata.endpoint("registration_endpoint")
        try:
            answer = await self._http.request(
                "POST",
                url,
                json={**document},
                headers={"accept": "application/json"},
                timeout=TIMEOUT_SECONDS,
            )
        except Unavailable as error:
            raise UpstreamUnreachable(error.message) from None
        return _parse_registration(answer)

    async def _request_tokens(
        self,
        metadata: ServerMetadata,
        client: ClientCredentials,
        form: Form,
        scopes: Sequence[str],
    ) -> TokenSet:
        if metadata.server.resource:
            form = {**form, "resource": metadata.server.resource}
        url = metadata.endpoint("token_endpoint")
        now: datetime = self._clock.now()
        return parse_tokens(await self._post(url, metadata, client, form), now, scopes)

    async def _post(
        self,
        url: str,
        metadata: ServerMetadata,
        client: ClientCredentials,
        form: Form,
        timeout: float = TIMEOUT_SECONDS,
    ) -> HttpResponse:
        headers: dict[str, str | SecretStr] = {"accept": "application/json"}
        fields = dict(form)
        if client.authentication == "basic" and client.client_secret is not None:
            headers["authorization"] = _basic(client.client_id, client.client_secret)
        else:
            fields["client_id"] = client.client_id
            if client.client_secret is not None:
                fields["client_secret"] = client.client_secret
        try:
            return await self._http.request(
                "POST", url, headers=headers, data=fields, timeout=timeout
            )
        except Unavailable as error:
            raise UpstreamUnreachable(error.message) from None
        except UpstreamFailed as error:
            raise UpstreamError(error.message) from None


def _basic(client_id: str, client_secret: SecretStr) -> SecretStr:
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret.get_secret_value())}"
    return SecretStr(f"Basic {base64.b64encode(pair.encode()).decode()}")


def _check_revocation(answer: HttpResponse) -> None:
    # the body of a success is empty, and an unknown token is a success too
    if answer.status not in {200, 204}:
        parse_members(answer)


def _parse_registration(answer: HttpResponse) -> ClientCredentials:
    if answer.status >= 500 or answer.status == 429:
        raise unreachable(answer)
    try:
        document = answer.json()
    except UpstreamFailed:
        document = None
    client_id = document.get("client_id") if isinstance(document, dict) else None
    if answer.status not in {200, 201} or not isinstance(document, dict):
        raise RegistrationFailed("The service refused to register this server as a client.")
    if not isinstance(client_id, str) or not client_id:
        raise RegistrationFailed("The service registered this server without a client id.")
    secret = document.get("client_secret")
    has_secret = isinstance(secret, str) and bool(secret)
    method = document.get("token_endpoint_auth_method")
    authentication: ClientAuthentication = "none"
    if has_secret:
        authentication = "post" if method == "client_secret_post" else "basic"
    return ClientCredentials(
        client_id=client_id,
        client_secret=SecretStr(str(secret)) if has_secret else None,
        authentication=authentication,
        registered=True,
    )
