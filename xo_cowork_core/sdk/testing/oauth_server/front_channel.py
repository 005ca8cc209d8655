"""The pages on which a person decides: authorization endpoint and device page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Literal, TypeAlias
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.sdk.testing.oauth_server.grants import Client, DeviceStyle, GrantStore
from xo_cowork_core.sdk.testing.oauth_server.metadata import PATHS, EndpointPaths
from xo_cowork_core.sdk.testing.oauth_server.parsing import Call

Consent: TypeAlias = Literal["approve", "deny", "page"]
JsonBody: TypeAlias = Mapping[str, JsonValue]
NO_STORE = {"Cache-Control": "no-store"}
DECISIONS = ("approve", "deny")
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(slots=True)
class ServerOptions:
    """What a test may change about the server while it runs."""

    consent: Consent = "approve"
    device_style: DeviceStyle = "rfc8628"
    sends_issuer: bool = False
    registers_clients: bool = True
    loopback_redirects_only: bool = False
    account: JsonBody = field(default_factory=dict[str, JsonValue])
    account_path: str = "/userinfo"
    key_header: str = ""
    resource: str = ""
    paths: EndpointPaths = field(default_factory=lambda: PATHS)
    device_page: str = "/device"

    @property
    def is_github(self) -> bool:
        """Whether the server answers as github.com does."""
        return self.device_style != "rfc8628"


class FrontChannel:
    """Answers what a browser opens."""

    def __init__(self, url: Callable[[], str], store: GrantStore, options: ServerOptions) -> None:
        self._url = url
        self._store = store
        self._options = options

    def authorize(self, call: Call) -> Response:
        """Redirect with a code or an error, or show a page."""
        sent = call.parameters
        client = self._store.clients.get(call.client_id)
        redirect_uri = sent.get("redirect_uri", "")
        if client is None or not _allows_redirect(client, redirect_uri):
            return HTMLResponse("<h1>Unknown client or redirect URI</h1>", 400)
        answer = self._authorization_answer(sent, redirect_uri)
        if answer is None:
            return _consent_page(call.request, sent)
        answer["state"] = sent.get("state", "")
        if self._options.sends_issuer:
            answer["iss"] = self._url()
        parameters = urlencode({key: value for key, value in answer.items() if value})
        separator = "&" if "?" in redirect_uri else "?"
        return RedirectResponse(f"{redirect_uri}{separator}{parameters}", 302, NO_STORE)

    def _authorization_answer(
        self, sent: Mapping[str, str], redirect_uri: str
    ) -> dict[str, str] | None:
        challenge = sent.get("code_challenge", "")
        if sent.get("response_type") != "code":
            return {"error": "unsupported_response_type"}
        if self._store.requires_pkce and not challenge:
            return {"error": "invalid_request", "error_description": "code_challenge is required"}
        if challenge and sent.get("code_challenge_method") != "S256":
            return {"error": "invalid_request", "error_description": "only S256 is supported"}
        resource = self._options.resource or self._url()
        if not sent.get("resource", resource).startswith(resource):
            return {"error": "invalid_target"}
        decision = sent.get("decision") or self._options.consent
        if decision == "page":
            return None
        if decision == "deny":
            return {"error": "access_denied", "error_description": "The person said no"}
        scope = sent.get("scope", "")
        return {"code": self._store.create_code(sent["client_id"], redirect_uri, scope, challenge)}

    async def show_device_page(self, request: Request) -> Response:
        """Show the page for a user code, or carry out the decision."""
        user_code = request.query_params.get("user_code", "")
        decision = request.query_params.get("decision")
        if decision in DECISIONS and user_code:
            self._store.decide("approved" if decision == "approve" else "denied", user_code)
            return HTMLResponse("<h1>Done</h1>")
        return _consent_page(request, {"user_code": user_code})


def _allows_redirect(client: Client, redirect_uri: str) -> bool:
    """Compare as RFC 6749 §3.1.2 says, any port on a loopback address (RFC 8252 §7.3)."""
    allowed = {_without_loopback_port(uri) for uri in client.redirect_uris}
    return bool(redirect_uri) and (not allowed or _without_loopback_port(redirect_uri) in allowed)


def _without_loopback_port(uri: str) -> str:
    parts = urlsplit(uri)
    if parts.scheme != "http" or parts.hostname not in LOOPBACK_HOSTS:
        return uri
    return parts._replace(netloc=parts.hostname or "").geturl()


def _consent_page(request: Request, sent: Mapping[str, str]) -> Response:
    """Return a page on which a person decides; the links lead to the same place again."""
    links = " ".join(
        _decision_link(request.url.path, {**sent, "decision": decision}) for decision in DECISIONS
    )
    return HTMLResponse(f"<h1>Test server</h1><p>{links}</p>", headers=NO_STORE)


def _decision_link(path: str, parameters: Mapping[str, str]) -> str:
    target = escape(f"{path}?{urlencode(parameters)}")
    return f'<a href="{target}">{parameters["decision"]}</a>'
