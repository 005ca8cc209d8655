"""The sign-in of this server at the XO service (contract §8)."""

from typing import Annotated, TypeAlias

from fastapi import Body as JsonBody
from fastapi import Path, Query
from pydantic import SecretStr

from xo_cowork_core.api.dependencies import ServicesDep
from xo_cowork_core.api.identity import CONSUME_PATH, LOGOUT_PATH, PREFIX, START_PATH, schemas
from xo_cowork_core.api.lazy_route import lazy_router
from xo_cowork_core.services.clock import stamp

KEY_REMAINS = "Signed out; XO_API_KEY still signs this server in."
router = lazy_router()
StartBody: TypeAlias = Annotated[
    schemas.StartRequest | None, JsonBody(examples=[{"client_reference": "desktop"}])
]


@router.post(START_PATH)
async def start_sign_in(services: ServicesDep, body: StartBody = None) -> schemas.StartedSignInBody:
    """Start a sign-in in the browser. The server keeps the poll token for an hour."""
    body = body or schemas.StartRequest()
    started = await services.identity.begin(body.scopes, body.client_reference)
    return schemas.StartedSignInBody(
        authorize_url=started.authorize_url,
        auth_session_id=started.auth_session_id,
        poll_token=started.poll_token.get_secret_value(),
    )


@router.get(PREFIX + "/status/{auth_session_id}")
async def read_sign_in(
    auth_session_id: Annotated[schemas.SessionId, Path()],
    services: ServicesDep,
    poll_token: Annotated[schemas.PollToken | None, Query()] = None,
) -> schemas.SignInStatusBody:
    """Return the state of a sign-in, as the service says."""
    status = await services.identity.status(auth_session_id, _secret(poll_token))
    return schemas.SignInStatusBody(status=status)


@router.post(CONSUME_PATH)
async def consume_sign_in(
    body: schemas.ConsumeRequest, services: ServicesDep
) -> schemas.ConsumedSignInBody:
    """Sign the server in with an approved sign-in."""
    consumed = await services.identity.consume(body.auth_session_id, _secret(body.poll_token))
    return schemas.ConsumedSignInBody(
        ok=True,
        success=True,
        user_id=consumed.user_id,
        message="Signed in.",
        expires_in=consumed.expires_in,
        scope=consumed.scope,
    )


@router.get(PREFIX + "/whoami")
async def whoami(services: ServicesDep) -> schemas.WhoamiBody:
    """Ask the service who is signed in."""
    account = await services.identity.whoami()
    return schemas.WhoamiBody(user_id=account.id, email=account.email or None, success=True)


@router.get(PREFIX + "/state")
async def read_state(services: ServicesDep) -> schemas.IdentityStateBody:
    """Return who is signed in, without a request to the service."""
    state = services.identity.state()
    return schemas.IdentityStateBody(
        authenticated=state.authenticated,
        user_id=state.user_id,
        expires_at=stamp(state.expires_at) if state.expires_at else None,
        auth_session_id=state.auth_session_id,
        token_source=state.token_source,
    )


@router.post(LOGOUT_PATH)
async def logout(services: ServicesDep) -> schemas.LogoutBody:
    """Delete the sign-in from this server."""
    await services.identity.logout()
    is_signed_in = services.identity.state().authenticated
    message = KEY_REMAINS if is_signed_in else "Signed out."
    return schemas.LogoutBody(ok=True, success=True, message=message)


def _secret(text: str | None) -> SecretStr | None:
    return None if text is None else SecretStr(text)
