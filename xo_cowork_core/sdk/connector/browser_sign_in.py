"""The sign-in of clients that bring their own redirect URI and hand the code over themselves.

For connectors with routes of their own, whose service lets browsers come back to this machine, or
to one address that it has approved. The host carries the sign-in out; here is what these clients
add: which redirect URI they may name, and which page opened the window that comes back.
"""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

from xo_cowork_core.sdk.connector.status import ConnectionStatus
from xo_cowork_core.sdk.context import HostContext
from xo_cowork_core.sdk.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    Unavailable,
    UpstreamFailed,
    XoError,
)
from xo_cowork_core.sdk.sign_in import FlowView

__all__ = ["BrowserSignIn", "CallbackResult", "RedirectRules", "StartedSignIn"]

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost"})
# a sign-in that is nearly over is not offered again
MIN_TIME_LEFT = timedelta(minutes=5)
MAX_OPENERS = 64
WAIT_SECONDS = 30.0
ERRORS: Mapping[str, type[XoError]] = MappingProxyType(
    {
        "account_mismatch": Conflict,
        "upstream_error": UpstreamFailed,
        "upstream_unreachable": Unavailable,
        "storage_failed": Unavailable,
    }
)
FAILED = "This did not work. Go back to the workspace and try again."


class RedirectRules(NamedTuple):
    """Where browsers may come back to: to this machine, and to the value of a setting.

    `callback_path` is the connector's own page, and `setting` the name of one of the kind `url`.
    """

    callback_path: str
    setting: str


class StartedSignIn(NamedTuple):
    """A sign-in whose URL is to be opened; `state` is the one that comes back with the code."""

    flow_id: str
    authorize_url: str
    state: str


class CallbackResult(NamedTuple):
    """How a browser's return went, for people, and the origin of the page that waits for it."""

    ok: bool
    message: str
    opener: str


class BrowserSignIn:
    """Starts sign-ins, and takes their codes from clients and from browsers that come back.

    `connector` is the name of a connector of the plugin, `title` its service for people, and
    `method` the id of its `AuthorizationCode`. Signs in to the connection `default`.
    """

    def __init__(
        self, context: HostContext, connector: str, title: str, method: str, rules: RedirectRules
    ) -> None:
        self._context = context
        self._connector = connector
        self._title = title
        self._method = method
        self._rules = rules
        # the origin of the page that started each sign-in, the newest last
        self._openers: OrderedDict[str, str] = OrderedDict()
        self._last_flow = ""

    async def start(self, redirect_uri: str, headers: Mapping[str, str]) -> StartedSignIn:
        """Start a sign-in that comes back to `redirect_uri`, or return the one that is open.

        Without a URI it is the configured one, else this server's own page where that is on this
        machine, else a port that the server opens. `headers` are those of the request, by names in
        lower case: the page of its `origin`, which the host has let in, is told of the end. Raises
        BadRequest for any other URI, Forbidden for a link or an image of another site.
        """
        _check_site(headers)
        uri = self._check_redirect_uri(redirect_uri) if redirect_uri else self._default_uri()
        flow = await self._find_reusable(uri) or await self._start(uri)
        self._remember(flow.flow_id, headers.get("origin", ""))
        url = flow.authorize_url or ""
        return StartedSignIn(flow.flow_id, url, _parameter(url, "state"))

    async def exchange(self, code: str, state: str) -> ConnectionStatus:
        """Complete a sign-in with the code that a client got. The same code again is harmless.

        Raises BadRequest for a state that belongs to no sign-in and for a code that is refused,
        Conflict for another account, Unavailable or UpstreamFailed when it may work later.
        """
        flow_id = await self._flow_id()
        flow = await self._submit(flow_id, urlencode({"code": code, "state": state}))
        if flow.state != "completed":
            raise _error_of(flow)
        return self._context.connections.status(self._connector)

    async def come_back(self, query: Mapping[str, str]) -> CallbackResult:
        """Take a browser's return. Never raises: a query of no sign-in is a result too."""
        own = self._context.url_for("/").rstrip("/")
        try:
            flow_id = await self._flow_id()
            flow = await self._submit(flow_id, urlencode(query))
        except XoError as error:
            return CallbackResult(ok=False, message=error.message, opener=own)
        opener = self._openers.get(flow_id, own)
        return CallbackResult(flow.state == "completed", flow.message or FAILED, opener)

    async def _start(self, uri: str) -> FlowView:
        try:
            return await self._context.sign_in.start(
                self._connector,
                method=self._method,
                attach=False,
                force=True,
                redirect_uri=uri,
            )
        except UpstreamFailed as error:
            if error.code != "registration_failed" or not uri or _is_loopback(uri):
                raise
            raise UpstreamFailed(
                f"{self._title} has not approved the redirect URI of {self._rules.setting}: unset "
                "it, or name a redirect_uri on this machine.",
                details={"code": error.code},
            ) from None

    async def _submit(self, flow_id: str, answer: str) -> FlowView:
        flow = await self._context.sign_in.submit(self._connector, flow_id, answer)
        if not flow.is_over and flow.error is None:
            flow = await self._context.sign_in.wait(self._connector, flow_id, WAIT_SECONDS)
        return flow

    async def _flow_id(self) -> str:
        """Return the open sign-in, else the last one, whose code may come again.

        One that waits for a pasted key is not meant: what a browser brings is none.
        """
        flow = await self._context.sign_in.find_open(self._connector)
        flow_id = flow.flow_id if flow and flow.method == self._method else self._last_flow
        if not flow_id:
            raise BadRequest(
                f"No sign-in to {self._title} is open: start again.",
                details={"code": "state_mismatch"},
            )
        self._last_flow = flow_id
        return flow_id

    async def _find_reusable(self, uri: str) -> FlowView | None:
        """Return the open sign-in if it comes back to the same URI: a second click changes nothing.

        Where clients are registered, one is for each sign-in that is given up.
        """
        flow = await self._context.sign_in.find_open(self._connector)
        if flow is None or not uri or flow.authorize_url is None or flow.expires_at is None:
            return None
        is_same = _parameter(flow.authorize_url, "redirect_uri") == uri
        return flow if is_same and flow.expires_at - datetime.now(UTC) > MIN_TIME_LEFT else None

    def _remember(self, flow_id: str, opener: str) -> None:
        self._last_flow = flow_id
        if opener:
            self._openers[flow_id] = opener
        while len(self._openers) > MAX_OPENERS:
            self._openers.popitem(last=False)

    def _default_uri(self) -> str:
        configured = self._context.settings[self._rules.setting]
        own = self._context.url_for(self._rules.callback_path)
        return configured or (own if _is_loopback(own) else "")

    def _check_redirect_uri(self, uri: str) -> str:
        if uri != self._context.settings[self._rules.setting] and not _is_loopback(uri):
            raise BadRequest(
                f"{self._title} lets browsers come back to this machine alone: redirect_uri must "
                f"be like http://127.0.0.1:5002{self._rules.callback_path}, or the value of "
                f"{self._rules.setting}."
            )
        return uri


def _check_site(headers: Mapping[str, str]) -> None:
    """Raise Forbidden for a link or an image of another site, which has no origin to check.

    It could not read the answer, but a start ends the sign-in that is open.
    """
    if headers.get("sec-fetch-site") == "cross-site" and "origin" not in headers:
        raise Forbidden("Start the sign-in from the workspace.")


def _error_of(flow: FlowView) -> XoError:
    code = flow.error.code if flow.error else flow.state
    return ERRORS.get(code, BadRequest)(flow.message or FAILED, details={"code": code})


def _is_loopback(uri: str) -> bool:
    """Return whether a URI leads to a port of this machine, and to no user or fragment."""
    try:
        parts = urlsplit(uri)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    is_plain = parts.scheme == "http" and "@" not in parts.netloc and "#" not in uri
    is_printable = uri.isascii() and uri.isprintable() and " " not in uri and "\\" not in uri
    return is_plain and is_printable and has_port and parts.hostname in LOOPBACK_HOSTS


def _parameter(url: str, name: str) -> str:
    return parse_qs(urlsplit(url).query).get(name, [""])[0]
