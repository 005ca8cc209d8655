"""Makes what a person needs to sign in: an authorization URL or a device code."""

import base64
import hashlib
import secrets
import socket
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import SecretStr

from xo_cowork_core.sdk.connector import AuthorizationCode, DeviceCode, LoopbackRedirect
from xo_cowork_core.services.auth_flows.events import AuthorizationPrepared, DeviceAuthorized
from xo_cowork_core.services.auth_flows.flow import Flow
from xo_cowork_core.services.auth_flows.loopback_listener import HOST, LoopbackListener
from xo_cowork_core.services.auth_flows.targets import SignInTarget
from xo_cowork_core.services.auth_flows.views import Redirect
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.connectors.clients import OAuthClients
from xo_cowork_core.services.connectors.discovery import Discovery, ServerMetadata, check_url
from xo_cowork_core.services.connectors.errors import InvalidClient
from xo_cowork_core.services.connectors.oauth_requests import ClientCredentials, OAuthRequests
from xo_cowork_core.services.connectors.token_answers import DeviceAuthorization

VERIFIER_BYTES = 48
STATE_BYTES = 32


class Preparation:
    """Prepares flows of the OAuth kinds."""

    def __init__(
        self, discovery: Discovery, clients: OAuthClients, requests: OAuthRequests, clock: Clock
    ) -> None:
        self.discovery = discovery
        self.clients = clients
        self.requests = requests
        self.clock = clock

    async def authorize(
        self,
        flow: Flow,
        method: AuthorizationCode,
        target: SignInTarget,
        listener: LoopbackListener,
    ) -> AuthorizationPrepared:
        """Return the authorization request; `listener` is opened where the flow needs it.

        Raises the errors of discovery and registration, and NotConfigured.
        """
        metadata = await self.discovery.resolve(method.server)
        endpoint = metadata.endpoint("authorization_endpoint")
        redirect, redirect_uri = await self._open(flow, method.loopback, metadata, listener)
        client = await self.clients.resolve(
            method.client,
            metadata,
            target.secrets,
            redirect_uri=redirect_uri,
            scopes=method.scopes,
        )
        verifier, state = secrets.token_urlsafe(VERIFIER_BYTES), secrets.token_urlsafe(STATE_BYTES)
        parameters = {
            **_optional_parameters(method, metadata),
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": redirect_uri,
            "state": state,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        return AuthorizationPrepared(
            authorize_url=_with_query(endpoint, parameters),
            redirect=redirect,
            redirect_uri=redirect_uri,
            oauth_state=SecretStr(state),
            verifier=SecretStr(verifier),
            client_id=client.client_id,
            issuer=metadata.server.issuer,
        )

    async def authorize_device(self, method: DeviceCode, target: SignInTarget) -> DeviceAuthorized:
        """Return a device code. Raises the errors of discovery and OAuth, and NotConfigured."""
        metadata = await self.discovery.resolve(method.server)
        now = self.clock.now()
        try:
            client, answer = await self._request_device(method, metadata, target)
        except InvalidClient:
            if not method.client.register:
                raise
            # the server has forgotten the registration, and so has `_request_device`
            client, answer = await self._request_device(method, metadata, target)
        return DeviceAuthorized(
            device_code=answer.device_code,
            user_code=answer.user_code,
            verification_uri=answer.verification_uri,
            verification_uri_complete=answer.verification_uri_complete,
            interval=answer.interval,
            expires_at=now + timedelta(seconds=answer.expires_in),
            client_id=client.client_id,
        )

    async def _request_device(
        self, method: DeviceCode, metadata: ServerMetadata, target: SignInTarget
    ) -> tuple[ClientCredentials, DeviceAuthorization]:
        client = await self.clients.resolve(
            method.client, metadata, target.secrets, scopes=method.scopes
        )
        try:
            answer = await self.requests.authorize_device(
                metadata, client, method.scopes, method.parameters
            )
        except InvalidClient:
            await self.clients.forget(client.client_id)
            raise
        return client, answer

    async def _open(
        self,
        flow: Flow,
        loopback: LoopbackRedirect,
        metadata: ServerMetadata,
        listener: LoopbackListener,
    ) -> tuple[Redirect, str]:
        """Return the redirect of a flow and its URI."""
        if flow.requested_redirect == "public":
            return "public", check_url(flow.public_callback)
        wanted = loopback.port or self.clients.registered_port(
            metadata, loopback.host, loopback.path
        )
        redirect: Redirect = "loopback"
        if flow.requested_redirect == "paste":
            redirect, port = "paste", wanted or _free_port()
        else:
            try:
                port = await listener.open(wanted)
            except OSError:
                # another program has the port
                if loopback.port:
                    redirect, port = "paste", wanted
                else:
                    port = await listener.open(0)
        return redirect, f"http://{loopback.host}:{port}{loopback.path}"


def redirect_port(redirect_uri: str) -> int:
    """Return the port of a loopback redirect URI."""
    return urlsplit(redirect_uri).port or 0


def _optional_parameters(method: AuthorizationCode, metadata: ServerMetadata) -> dict[str, str]:
    parameters = dict(method.parameters)
    if method.scopes:
        parameters["scope"] = " ".join(method.scopes)
    if metadata.server.resource:
        parameters["resource"] = metadata.server.resource
    return parameters


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _with_query(endpoint: str, parameters: Mapping[str, str]) -> str:
    """Add parameters to an endpoint, whose own query stays (RFC 6749 §3.1)."""
    parts = urlsplit(endpoint)
    pairs = [pair for pair in parse_qsl(parts.query) if pair[0] not in parameters]
    query = urlencode([*pairs, *parameters.items()])
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))
