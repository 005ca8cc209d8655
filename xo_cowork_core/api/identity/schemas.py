"""The bodies of the sign-in at the XO service."""

from typing import Annotated

from pydantic import AfterValidator, Field
from typing_extensions import TypedDict

from xo_cowork_core.api.models import RequestModel
from xo_cowork_core.services.identity.identity import TokenSource
from xo_cowork_core.services.identity.identity_api import SignInStatus

MAX_ID_CHARACTERS = 512
MAX_TOKEN_CHARACTERS = 4096
MAX_SCOPES = 64
MAX_SCOPE_CHARACTERS = 256
MAX_REFERENCE_CHARACTERS = 1024


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it contains a control character")
    return text


def _one_segment(text: str) -> str:
    """Refuse an id that would be another path of the service."""
    if text in {".", ".."}:
        raise ValueError("it is not an id")
    return _printable(text)


SessionId = Annotated[
    str, Field(min_length=1, max_length=MAX_ID_CHARACTERS), AfterValidator(_one_segment)
]
PollToken = Annotated[
    str, Field(min_length=1, max_length=MAX_TOKEN_CHARACTERS), AfterValidator(_printable)
]
Scope = Annotated[
    str, Field(min_length=1, max_length=MAX_SCOPE_CHARACTERS), AfterValidator(_printable)
]
Reference = Annotated[
    str, Field(min_length=1, max_length=MAX_REFERENCE_CHARACTERS), AfterValidator(_printable)
]


class StartRequest(RequestModel):
    """What the sign-in is for. Both are handed to the service as they are."""

    scopes: list[Scope] | None = Field(
        default=None, max_length=MAX_SCOPES, examples=[["chat", "usage"]]
    )
    client_reference: Reference | None = Field(default=None, examples=["desktop"])


class ConsumeRequest(RequestModel):
    """An approved sign-in. Without `poll_token` the one that `start` has kept is used."""

    auth_session_id: SessionId = Field(examples=["as_7f3c"])
    poll_token: PollToken | None = Field(default=None, examples=[None])


class StartedSignInBody(TypedDict):
    """A sign-in that waits for a person: open `authorize_url` in a browser."""

    authorize_url: Annotated[str, Field(examples=["https://xo.example/authorize?session=as_7f3c"])]
    auth_session_id: Annotated[str, Field(examples=["as_7f3c"])]
    poll_token: Annotated[str, Field(examples=["pt_91b2"])]


class SignInStatusBody(TypedDict):
    """The state of a sign-in; `approved` ones can be consumed."""

    status: Annotated[SignInStatus, Field(examples=["pending"])]


class ConsumedSignInBody(TypedDict):
    """The server is signed in. `expires_in` is in seconds, null when the service does not say."""

    ok: Annotated[bool, Field(examples=[True])]
    success: Annotated[bool, Field(examples=[True])]
    user_id: Annotated[str, Field(examples=["user-1"])]
    message: Annotated[str, Field(examples=["Signed in."])]
    expires_in: Annotated[int | None, Field(examples=[3600])]
    scope: Annotated[str, Field(examples=["chat usage"])]


class WhoamiBody(TypedDict):
    """Who is signed in, as the service says. `email` is null when it does not say."""

    user_id: Annotated[str, Field(examples=["user-1"])]
    email: Annotated[str | None, Field(examples=["person@example.com"])]
    success: Annotated[bool, Field(examples=[True])]


class IdentityStateBody(TypedDict):
    """Who is signed in, from memory."""

    authenticated: Annotated[bool, Field(examples=[True])]
    user_id: Annotated[str | None, Field(examples=["user-1"])]
    expires_at: Annotated[str | None, Field(examples=["2026-01-31T10:30:00.000+00:00"])]
    auth_session_id: Annotated[str | None, Field(examples=["as_7f3c"])]
    token_source: Annotated[TokenSource, Field(examples=["session"])]


class LogoutBody(TypedDict):
    """The sign-in was deleted."""

    ok: Annotated[bool, Field(examples=[True])]
    success: Annotated[bool, Field(examples=[True])]
    message: Annotated[str, Field(examples=["Signed out."])]
