"""The bodies of the resource that the plugin describes (RFC 9728)."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict


class ResourceBody(TypedDict):
    """The metadata of this server as an OAuth resource (RFC 9728)."""

    resource: Annotated[str, Field(examples=["http://127.0.0.1:5002"])]
    authorization_servers: Annotated[list[str], Field(examples=[["https://vercel.com"]])]
    scopes_supported: Annotated[list[str], Field(examples=[["openid"]])]
    bearer_methods_supported: Annotated[list[str], Field(examples=[["header"]])]


class PreflightBody(TypedDict):
    """The origin may send the request."""

    ok: Annotated[bool, Field(examples=[True])]
