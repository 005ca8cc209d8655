"""Endpoints of authorization servers: RFC 9728 and RFC 8414 metadata over declared endpoints."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

from xo_cowork_core.sdk import HttpClient, XoError
from xo_cowork_core.sdk.connector import OAuthServer
from xo_cowork_core.sdk.events.base import Json
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.connectors.errors import UpstreamError, UpstreamUnreachable

FRESH_SECONDS = 3600.0
MAX_SERVERS = 64
TIMEOUT_SECONDS = 8.0
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
ENDPOINTS = (
    "authorization_endpoint",
    "token_endpoint",
    "device_authorization_endpoint",
    "registration_endpoint",
    "revocation_endpoint",
)
log = logging.getLogger("xo_cowork.connectors")


@frozen_dataclass
class ServerMetadata:
    """The endpoints of one server that are known; empty where there is none.

    `auth_methods` are the ways of client authentication that the server says it supports.
    """

    server: OAuthServer
    auth_methods: tuple[str, ...] = ()

    def endpoint(self, name: str) -> str:
        """Return an endpoint. Raises UpstreamError when the server has none of this name."""
        url = getattr(self.server, name)
        if not url:
            raise UpstreamError(f"The authorization server has no {name.replace('_', ' ')}.")
        return check_url(url)


class Discovery:
    """Reads metadata, and caches it for an hour."""

    def __init__(self, http: HttpClient, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._cached: dict[OAuthServer, tuple[float, ServerMetadata]] = {}

    async def resolve(self, server: OAuthServer) -> ServerMetadata:
        """Return a server's endpoints.

        When metadata can't be read, those that the method declares are enough if it has any.
        Raises UpstreamError, UpstreamUnreachable.
        """
        if not server.issuer and not server.resource:
            return ServerMetadata(server)
        cached = self._cached.get(server)
        if cached and self._clock.monotonic() - cached[0] < FRESH_SECONDS:
            return cached[1]
        try:
            metadata = await self._discover(server)
        except XoError as error:
            if not server.token_endpoint:
                raise
            log.warning("metadata of an authorization server can't be used: %s", error.message)
            return ServerMetadata(server)
        if len(self._cached) >= MAX_SERVERS:
            self._cached.pop(next(iter(self._cached)))
        self._cached[server] = (self._clock.monotonic(), metadata)
        return metadata

    async def _discover(self, server: OAuthServer) -> ServerMetadata:
        issuer = server.issuer or await self._issuer_of(server.resource)
        document = await self._read_first(_metadata_urls(check_url(issuer)))
        if document.get("issuer") != issuer:
            raise UpstreamError("The metadata of the authorization server names another issuer.")
        endpoints = {name: document.get(name) for name in ENDPOINTS}
        urls = {
            name: check_url(url, base=issuer)
            for name, url in endpoints.items()
            if isinstance(url, str) and url
        }
        methods = document.get("token_endpoint_auth_methods_supported")
        return ServerMetadata(replace(server, issuer=issuer, **urls), _texts(methods))

    async def _issuer_of(self, resource: str) -> str:
        document = await self._read_first(_resource_urls(check_url(resource)))
        named = document.get("resource")
        if not isinstance(named, str) or named.rstrip("/") != resource.rstrip("/"):
            raise UpstreamError("The metadata of the resource names another resource.")
        issuers = _texts(document.get("authorization_servers"))
        if not issuers:
            raise UpstreamError("The metadata of the resource names no authorization server.")
        return check_url(issuers[0], base=resource)

    async def _read_first(self, urls: Sequence[str]) -> Json:
        """Return the first document that exists."""
        status = 0
        for url in urls:
            accept = {"accept": "application/json"}
            answer = await self._http.request("GET", url, headers=accept, timeout=TIMEOUT_SECONDS)
            status = answer.status
            if status == 200:
                document = answer.json()
                if isinstance(document, dict):
                    return document
                raise UpstreamError("The metadata of the authorization server is not an object.")
            if status >= 500 or status == 429:
                break
        if status >= 500 or status == 429:
            raise UpstreamUnreachable("The authorization server does not answer at the moment.")
        raise UpstreamError("The authorization server has no metadata.")


def check_url(url: str, *, base: str = "") -> str:
    """Return a URL that is https, or http on a loopback address. Raises UpstreamError.

    A URL that was read from `base` may lead to this machine only if `base` does.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise UpstreamError("An address of the authorization server is not a URL.") from None
    is_loopback = host in LOOPBACK_HOSTS
    if is_loopback and base and urlsplit(base).hostname not in LOOPBACK_HOSTS:
        raise UpstreamError("The authorization server names an address of this machine.")
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback)):
        raise UpstreamError("An address of the authorization server is not https.")
    return url


def _resource_urls(resource: str) -> list[str]:
    return list(dict.fromkeys(_well_known(resource, "oauth-protected-resource")))


def _metadata_urls(issuer: str) -> list[str]:
    appended = issuer.rstrip("/") + "/.well-known/openid-configuration"
    return list(dict.fromkeys([next(_well_known(issuer, "oauth-authorization-server")), appended]))


def _well_known(url: str, name: str) -> Iterator[str]:
    """Yield the address with the path of `url` after the well-known part, then without it."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    for suffix in (path, ""):
        yield urlunsplit((parts.scheme, parts.netloc, f"/.well-known/{name}{suffix}", "", ""))


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(entry for entry in value if isinstance(entry, str))  # pyright: ignore[reportUnknownVariableType]
