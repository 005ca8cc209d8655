"""The bodies of connectors, sign-ins and connections."""

from typing import Annotated

from pydantic import AfterValidator, AliasChoices, Field
from typing_extensions import TypedDict

from xo_cowork_core.api.models import RequestModel
from xo_cowork_core.sdk.connector import MethodKind
from xo_cowork_core.sdk.connector.status import DEFAULT_CONNECTION
from xo_cowork_core.sdk.connector.status_body import (
    AccountBody,
    ConnectionDetail,
    Status,
    StatusBody,
)
from xo_cowork_core.services.auth_flows.views import FlowState, Redirect
from xo_cowork_core.services.connectors.events import ChangeKind

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


class TokenRequest(RequestModel):
    """A key of the service; `api_key` is another name of `token`."""

    token: Annotated[PastedText, Field(validation_alias=AliasChoices("token", "api_key"))] = Field(
        examples=["example-key-of-the-service"]
    )
    connection: Name = Field(default=DEFAULT_CONNECTION, examples=[DEFAULT_CONNECTION])


class ConnectionRequest(RequestModel):
    """Which connection of the connector is meant."""

    connection: Name = Field(default=DEFAULT_CONNECTION, examples=[DEFAULT_CONNECTION])


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


class TokenBody(StatusBody):
    """The connection after a key was accepted."""

    ok: Annotated[bool, Field(examples=[True])]


class ConnectionState(TypedDict):
    """The state of one connection, as the stream of events has it."""

    connector: Annotated[str, Field(examples=["acme"])]
    connection: Annotated[str, Field(examples=[DEFAULT_CONNECTION])]
    state: Annotated[str, Field(examples=["needs_reauth"])]
    reason: Annotated[str, Field(examples=["The service no longer accepts this sign-in."])]
    since: Annotated[str | None, Field(examples=["2026-01-31T09:30:00+00:00"])]
    username: Annotated[str | None, Field(examples=["octocat"])]


class ConnectionChange(ConnectionState):
    """A change of the state of one connection."""

    type: Annotated[ChangeKind, Field(examples=["needs_reauth"])]
    at: Annotated[str, Field(examples=["2026-01-31T09:30:00+00:00"])]


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
