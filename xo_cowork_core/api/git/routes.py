"""What the credential helper in a turn's environment asks for."""

from typing import Annotated, Literal

from fastapi import Request, Response
from pydantic import Field
from typing_extensions import TypedDict

from xo_cowork_core.api.dependencies import ServicesDep
from xo_cowork_core.api.lazy_route import lazy_router
from xo_cowork_core.api.models import RequestModel
from xo_cowork_core.services.git_credentials.git_credentials import CREDENTIAL_PATH

router = lazy_router()


class CredentialRequest(RequestModel):
    """The host that git talks to, with its port unless that is 443."""

    protocol: Literal["https"] = Field(examples=["https"])
    host: str = Field(min_length=1, max_length=300, examples=["github.com"])


class CredentialResponse(TypedDict):
    """What git sends to the host."""

    username: Annotated[str, Field(examples=["x-access-token"])]
    password: Annotated[str, Field(examples=["a token of the host"])]


@router.post(CREDENTIAL_PATH)
async def read_credential(
    body: CredentialRequest, request: Request, response: Response, services: ServicesDep
) -> CredentialResponse:
    """Return the credential of a host; the bearer token is that of the turn's run.

    401 after the turn's end and where the person has to sign in again, 404 for a host that the
    turn's project has no sign-in for.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else ""
    credential = await services.git_credentials.find(token, body.host)
    response.headers["cache-control"] = "no-store"
    password = credential.password.get_secret_value()
    return CredentialResponse(username=credential.username, password=password)
