"""The paths and the metadata documents of the fake authorization server (RFC 8414, RFC 9728)."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.sdk.testing.oauth_server.exchanges import Endpoint

DEVICE_CODE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
RESOURCE_METADATA = "/.well-known/oauth-protected-resource"
EndpointPaths: TypeAlias = Mapping[Endpoint, Sequence[str]]
PATHS: EndpointPaths = MappingProxyType(
    {
        "authorize": ("/authorize",),
        "token": ("/token",),
        "device": ("/device_authorization",),
        "register": ("/register",),
        "revoke": ("/revoke",),
        "introspect": ("/introspect",),
        "server_metadata": (
            "/.well-known/oauth-authorization-server",
            "/.well-known/openid-configuration",
        ),
        "resource_metadata": (RESOURCE_METADATA, RESOURCE_METADATA + "/{path:path}"),
        "userinfo": (),
    }
)


def server_metadata(
    issuer: str, paths: EndpointPaths, *, registers_clients: bool
) -> dict[str, JsonValue]:
    """Return the RFC 8414 document."""
    document: dict[str, JsonValue] = {
        "issuer": issuer,
        "authorization_endpoint": endpoint_url(issuer, paths["authorize"][0]),
        "token_endpoint": endpoint_url(issuer, paths["token"][0]),
        "device_authorization_endpoint": endpoint_url(issuer, paths["device"][0]),
        "revocation_endpoint": endpoint_url(issuer, paths["revoke"][0]),
        "introspection_endpoint": endpoint_url(issuer, paths["introspect"][0]),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token", DEVICE_CODE_GRANT],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": [
            "none",
            "client_secret_basic",
            "client_secret_post",
        ],
    }
    if registers_clients:
        document["registration_endpoint"] = endpoint_url(issuer, paths["register"][0])
    return document


def endpoint_url(issuer: str, path: str) -> str:
    """Return the URL of an endpoint, whose path may be the URL of another host."""
    return path if "://" in path else issuer + path


def resource_metadata(issuer: str, resource: str, path: str) -> dict[str, JsonValue]:
    """Return the RFC 9728 document of the resource whose metadata is at `path`."""
    return {
        "resource": resource + path.removeprefix(RESOURCE_METADATA),
        "authorization_servers": [issuer],
        "bearer_methods_supported": ["header"],
    }
