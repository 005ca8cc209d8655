"""The wire bodies of routes over `BrowserSignIn`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from xo_cowork_core.sdk.connector.browser_sign_in import StartedSignIn

__all__ = ["ExchangeRequest", "StartBody", "start_body"]

MAX_CODE_CHARACTERS = 16 << 10


class StartBody(TypedDict):
    """A sign-in whose URL is to be opened; `auth_url` is another name of `authorize_url`.

    `code_verifier_id` is the id of the sign-in, whose state `flows/{id}` tells.
    """

    authorize_url: Annotated[
        str, Field(examples=["https://acme.example/oauth/authorize?state=xyz"])
    ]
    auth_url: Annotated[str, Field(examples=["https://acme.example/oauth/authorize?state=xyz"])]
    state: Annotated[str, Field(examples=["xyz"])]
    code_verifier_id: Annotated[str, Field(examples=["3f0c9f5e8a1b4c7d"])]


class ExchangeRequest(BaseModel):
    """What came back with the browser, decoded."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    code: str = Field(min_length=1, max_length=MAX_CODE_CHARACTERS, examples=["4/abc+def="])
    state: str = Field(min_length=1, max_length=MAX_CODE_CHARACTERS, examples=["xyz"])


def start_body(started: StartedSignIn) -> StartBody:
    """Return the body of a started sign-in."""
    return StartBody(
        authorize_url=started.authorize_url,
        auth_url=started.authorize_url,
        state=started.state,
        code_verifier_id=started.flow_id,
    )
