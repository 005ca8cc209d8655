"""The bodies of sign-ins to runtimes."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from xo_cowork_core.api.connectors.schemas import (
    AccountBody,
    FlowErrorBody,
    MethodBody,
    Name,
    PastedText,
)
from xo_cowork_core.api.models import RequestModel
from xo_cowork_core.sdk.connector import MethodKind
from xo_cowork_core.sdk.sign_in import FlowState


class SignInRequest(RequestModel):
    """How to sign in. Everything is optional.

    `method` is the id of one of the runtime's methods, by default the first. An open sign-in is
    returned instead of a new one; `force` ends it and starts another. `input` is submitted at
    once, such as an API key.
    """

    method: Name | None = Field(default=None, examples=["device_code"])
    force: bool = Field(default=False, examples=[False])
    input: PastedText | None = Field(default=None, examples=[None])


class SignInInput(RequestModel):
    """What a person pasted: the code that the browser showed, or the URL on which it ended."""

    input: PastedText = Field(examples=["4/0AbCd#state"])


class RuntimeFlowBody(TypedDict):
    """One sign-in. It has ended in the states `completed`, `failed`, `cancelled` and `expired`."""

    flow_id: Annotated[str, Field(examples=["3f0c9f5e8a1b4c7d"])]
    runtime: Annotated[str, Field(examples=["acme"])]
    method: Annotated[str, Field(examples=["device_code"])]
    kind: Annotated[MethodKind, Field(examples=["agent"])]
    state: Annotated[FlowState, Field(examples=["awaiting_user"])]
    authorize_url: Annotated[str | None, Field(examples=["https://auth.example.com/device"])]
    user_code: Annotated[str | None, Field(examples=["ABCD-12345"])]
    verification_uri: Annotated[str | None, Field(examples=[None])]
    expires_at: Annotated[str | None, Field(examples=["2026-01-31T09:40:00+00:00"])]
    needs_input: Annotated[bool, Field(examples=[False])]
    message: Annotated[str, Field(examples=["Open the address, enter the code and approve."])]
    error: Annotated[FlowErrorBody | None, Field(examples=[None])]
    account: Annotated[AccountBody | None, Field(examples=[None])]


class RuntimeSignInBody(TypedDict):
    """How a runtime is signed in to. `signed_in` is null where the runtime does not tell."""

    runtime: Annotated[str, Field(examples=["acme"])]
    title: Annotated[str, Field(examples=["Acme"])]
    signed_in: Annotated[bool | None, Field(examples=[False])]
    methods: list[MethodBody]
    flow: RuntimeFlowBody | None
