"""The bodies of connectors, sign-ins and connections."""

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field
from typing_extensions import TypedDict

from xo_cowork_core.api.models import RequestModel
from xo_cowork_core.sdk.connector import ConnectionState, MethodKind
from xo_cowork_core.services.auth_flows.views import FlowState, Redirect
from xo_cowork_core.services.connectors.status import DEFAULT_CONNECTION

Status: TypeAlias = Literal["connected", "needs_auth", "failed"]
MAX_NAME_CHARACTERS = 64
# a pasted URL has some kilobytes, and so has a key that is a JSON document
MAX_INPUT_CHARACTERS = 32 << 10


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("it contains a NUL character")
    return text


Name = Annotated[
    str, Field(min_length=1, max_length=MAX_NAME_CHARACTERS), AfterValidator(_without_nul)
]
PastedText = Annotated[
    str, Field(min_length=1, max_length=MAX_INPUT_CHARACTERS), AfterValidator(_without_nul)
]


class ConnectRequest(RequestModel):
    """How to sign in. Everything is optional.

    `method` is the id of one of the connector's methods, by default the first. `connection` tells
    several accounts apart. `force` ends an open sign-in that is in the way. `redirect` selects
    where the browser comes back to after an authorization; it is a wish where no method is named,
    and refused with a method of another kind. `input` is submitted at once, such as an API key.
    """

    method: Name | None = Field(default=None, examples=["authorization_code"])
    connection: Name = Field(default=DEFAULT_CONNECTION, examples=[DEFAULT_CONNECTION])
    force: bool = Field(default=False, examples=[False])
    redirect: Redirect | None = Field(default=None, examples=["loopback"])
    input: PastedText | None = Field(default=None, examples=[None])


class InputRequest(RequestModel):
    """What a person pasted: the URL on which the browser ended, its query, the bare code; an API
    key; or a line for the sign-in program."""

    input: PastedText = Field(examples=["http://127.0.0.1:40123/callback?code=4%2Fabc&state=xyz"])


class ConnectionRequest(RequestModel):
    """Which connection of the connector is meant."""

    connection: Name = Field(default=DEFAULT_CONNECTION, examples=[DEFAULT_CONNECTION])


class AccountBody(TypedDict):
    """The account at the service. Empty texts mean that the service doesn't say."""

    id: Annotated[str, Field(examples=["583231"])]
    login: Annotated[str, Field(examples=["octocat"])]
    username: Annotated[str, Field(examples=["octocat"])]
    name: Annotated[str, Field(examples=["The Octocat"])]
    email: Annotated[str, Field(examples=["octocat@example.com"])]
    avatar_url: Annotated[str, Field(examples=["https://avatars.example.com/u/583231"])]


class FlowErrorBody(TypedDict):
    """The last error of a sign-in: final when it has ended, else the person may try again."""

    code: Annotated[str, Field(examples=["state_mismatch"])]
    message: Annotated[str, Field(examples=["This address belongs to another sign-in."])]


class FlowBody(TypedDict):
    """One sign-in. It has ended in the states `completed`, `failed`, `cancelled` and `expired`."""

    flow_id: Annotated[str, Field(examples=["3f0c9f5e8a1b4c7d"])]
    connector: Annotated[str, Field(examples=["acme"])]
    connection: Annotated[str, Field(examples=[DEFAULT_CONNECTION])]
    method: Annotated[str, Field(examples=["authorization_code"])]
    kind: Annotated[MethodKind, Field(examples=["authorization_code"])]
    state: Annotated[FlowState, Field(examples=["awaiting_user"])]
    redirect: Annotated[Redirect | None, Field(examples=["loopback"])]
    authorize_url: Annotated[
        str | None, Field(examples=["https://auth.example.com/authorize?state=xyz"])
    ]
    user_code: Annotated[str | None, Field(examples=[None])]
    verification_uri: Annotated[str | None, Field(examples=[None])]
    verification_uri_complete: Annotated[str | None, Field(examples=[None])]
    expires_at: Annotated[str | None, Field(examples=["2026-01-31T09:40:00+00:00"])]
    needs_input: Annotated[bool, Field(examples=[True])]
    message: Annotated[str, Field(examples=["Sign in in the browser."])]
    error: Annotated[FlowErrorBody | None, Field(examples=[None])]
    account: Annotated[AccountBody | None, Field(examples=[None])]


class ConnectionDetail(TypedDict):
    """The exact state of a connection, why, and since when."""

    state: Annotated[ConnectionState, Field(examples=["connected"])]
    reason: Annotated[str, Field(examples=[""])]
    since: Annotated[str | None, Field(examples=["2026-01-31T09:30:00+00:00"])]
    next_try: Annotated[str | None, Field(examples=[None])]
    expires_at: Annotated[str | None, Field(examples=["2026-01-31T10:30:00+00:00"])]
    checked_at: Annotated[str | None, Field(examples=["2026-01-31T09:30:00+00:00"])]


class StatusBody(TypedDict):
    """The state of one connection. `failed`: the connector's plugin does not work."""

    connection: Annotated[str, Field(examples=[DEFAULT_CONNECTION])]
    connected: Annotated[bool, Field(examples=[True])]
    status: Annotated[Status, Field(examples=["connected"])]
    user: AccountBody | None
    username: Annotated[str | None, Field(examples=["octocat"])]
    name: Annotated[str | None, Field(examples=["The Octocat"])]
    avatar_url: Annotated[str | None, Field(examples=["https://avatars.example.com/u/583231"])]
    email: Annotated[str | None, Field(examples=["octocat@example.com"])]
    scopes: Annotated[list[str], Field(examples=[["repo"]])]
    auth_method: Annotated[str | None, Field(examples=["authorization_code"])]
    error: Annotated[str | None, Field(examples=[None])]
    detail: ConnectionDetail


class MethodBody(TypedDict):
    """A way to sign in. `help` and `pattern` belong to keys: where to create one, and its form."""

    id: Annotated[str, Field(examples=["authorization_code"])]
    kind: Annotated[MethodKind, Field(examples=["authorization_code"])]
    title: Annotated[str, Field(examples=["Sign in with the browser"])]
    help: Annotated[str, Field(examples=[""])]
    pattern: Annotated[str, Field(examples=[""])]


class ConnectorBody(TypedDict):
    """A connector with its ways to sign in and its connections, `default` first and always.

    `auth` are the kinds of its methods; `connected`, `status`, `username` and `detail` are those of
    the connection `default`.
    """

    name: Annotated[str, Field(examples=["acme"])]
    title: Annotated[str, Field(examples=["Acme"])]
    plugin: Annotated[str, Field(examples=["connector_acme"])]
    connected: Annotated[bool, Field(examples=[True])]
    status: Annotated[Status, Field(examples=["connected"])]
    username: Annotated[str | None, Field(examples=["octocat"])]
    detail: ConnectionDetail
    auth: Annotated[list[MethodKind], Field(examples=[["authorization_code"]])]
    methods: list[MethodBody]
    connections: list[StatusBody]
