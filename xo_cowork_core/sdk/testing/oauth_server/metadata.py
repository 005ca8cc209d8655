"""The paths and the metadata documents of the fake authorization server (RFC 8414, RFC 9728)."""

from collections.abc import Mapping
from types import MappingProxyType

from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.sdk.testing.oauth_server.exchanges import Endpoint

DEVICE_CODE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
RESOURCE_METADATA = "/.well-known/oauth-protected-resource"
PATHS: Mapping[Endpoint, tuple[str, ...]] = MappingProxyType(
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


def server_metadata(issuer: str, *, registers_clients: bool) -> dict[str, JsonValue]:
    """Return the RFC 8414 document."""
    document: dict[str, JsonValue] = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "device_authorization_endpoint": f"{issuer}/device_authorization",
        "revocation_endpoint": f"{issuer}/revoke",
        "introspection_endpoint": f"{issuer}/introspect",
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
        document["registration_endpoint"] = f"{issuer}/register"
    return document


def resource_metadata(issuer: str, path: str) -> dict[str, JsonValue]:
    """Return the RFC 9728 document of the resource whose metadata is at `path`."""
    return {
        "resource": issuer + path.removeprefix(RESOURCE_METADATA),
        "authorization_servers": [issuer],
        "bearer_methods_supported": ["header"],
    }
