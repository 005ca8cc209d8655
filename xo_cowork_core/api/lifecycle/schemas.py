"""The bodies of restart, update and `/debug/ai-auth`."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from xo_cowork_core.services.identity.identity import TokenSource


class AcceptedBody(TypedDict):
    """The server restarts once running requests are answered."""

    status: Annotated[Literal["accepted"], Field(examples=["accepted"])]


class CredentialBody(TypedDict):
    """Whether a credential is set; `hint` is the end of a long value, else empty."""

    is_set: Annotated[bool, Field(examples=[True])]
    hint: Annotated[str, Field(examples=["…a1b2"])]


class IdentityCredentialBody(TypedDict):
    """The sign-in at the XO service."""

    is_configured: Annotated[bool, Field(examples=[True])]
    authenticated: Annotated[bool, Field(examples=[True])]
    token_source: Annotated[TokenSource, Field(examples=["session"])]
    api_key: CredentialBody


class RuntimeCredentialBody(TypedDict):
    """The sign-in of a runtime; `signed_in` is null when it is unknown or does not apply."""

    plugin: Annotated[str, Field(examples=["runtime_claude"])]
    state: Annotated[str, Field(examples=["ready"])]
    signed_in: Annotated[bool | None, Field(examples=[True])]


class AiAuthBody(TypedDict):
    """Which credentials the server has, without any of them."""

    ai_provider: Annotated[str | None, Field(examples=["claude_code"])]
    identity: IdentityCredentialBody
    runtimes: dict[str, RuntimeCredentialBody]
    plugins: Annotated[
        dict[str, dict[str, CredentialBody]],
        Field(
            examples=[{"runtime_claude": {"ANTHROPIC_API_KEY": {"is_set": True, "hint": "…a1b2"}}}]
        ),
    ]
