"""Sign-ins of runtimes that have the ability `LogsIn`, by the login engine of the connectors."""

from http import HTTPStatus
from typing import Annotated, TypeAlias

from fastapi import Body as JsonBody
from fastapi import Response

from xo_cowork_core.api.connectors.serializers import method_body
from xo_cowork_core.api.dependencies import Services, ServicesDep
from xo_cowork_core.api.lazy_route import lazy_router
from xo_cowork_core.api.models import Responses
from xo_cowork_core.api.runtimes import FLOW_PATH, INPUT_PATH, SIGN_IN_PATH, schemas
from xo_cowork_core.sdk import NotFound
from xo_cowork_core.sdk.connector.status_body import account_body, time_text
from xo_cowork_core.services.auth_flows.views import RUNTIME_PREFIX, FlowView
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime

SignInRequestBody: TypeAlias = Annotated[
    schemas.SignInRequest | None, JsonBody(examples=[{"method": "device_code"}])
]
STARTED: Responses = {
    200: {"description": "The sign-in ended at once.", "model": schemas.RuntimeFlowBody},
    202: {"description": "The sign-in waits for a person."},
}
router = lazy_router()


@router.get(SIGN_IN_PATH)
async def read_sign_in(name: str, services: ServicesDep) -> schemas.RuntimeSignInBody:
    """Return a runtime's ways to sign in, and the sign-in that is open."""
    registered = _find(services, name)
    key = _key(registered)
    flows = await services.auth_flows.get()
    methods = await flows.methods(key)
    health = await services.readiness.of(registered)
    flow = flows.find_open(key)
    return schemas.RuntimeSignInBody(
        runtime=registered.info.name,
        title=registered.info.title,
        signed_in=health.signed_in,
        methods=[method_body(method) for method in methods],
        flow=_flow_body(flow) if flow else None,
    )


@router.post(SIGN_IN_PATH, status_code=202, responses=STARTED)
async def sign_in(
    name: str, services: ServicesDep, response: Response, body: SignInRequestBody = None
) -> schemas.RuntimeFlowBody:
    """Start a sign-in, or return the open one; answered once a person can act, or at its end."""
    body = body or schemas.SignInRequest()
    flows = await services.auth_flows.get()
    flow = await flows.start(
        _key(_find(services, name)),
        method=body.method,
        force=body.force,
        attach=True,
        input=body.input,
    )
    response.status_code = HTTPStatus.OK if flow.is_over else HTTPStatus.ACCEPTED
    return _flow_body(flow)


@router.get(FLOW_PATH)
async def read_sign_in_flow(
    name: str, flow_id: str, services: ServicesDep
) -> schemas.RuntimeFlowBody:
    """Return a sign-in. One that has ended can be read for another 10 minutes."""
    key = _key(_find(services, name))
    flows = await services.auth_flows.get()
    return _flow_body(flows.read(key, flow_id))


@router.delete(FLOW_PATH)
async def cancel_sign_in(name: str, flow_id: str, services: ServicesDep) -> schemas.RuntimeFlowBody:
    """End a sign-in and its program; one that has ended stays as it is."""
    key = _key(_find(services, name))
    flows = await services.auth_flows.get()
    return _flow_body(await flows.cancel(key, flow_id))


@router.post(INPUT_PATH)
async def submit_sign_in_input(
    name: str, flow_id: str, body: schemas.SignInInput, services: ServicesDep
) -> schemas.RuntimeFlowBody:
    """Pass on what a person pasted; answered with what follows from it."""
    key = _key(_find(services, name))
    flows = await services.auth_flows.get()
    return _flow_body(await flows.submit(key, flow_id, body.input))


def _find(services: Services, name: str) -> RegisteredRuntime:
    registered = services.registry.runtime(name)
    if registered is None:
        raise NotFound(f"There is no runtime {name[:64]!r}.")
    return registered


def _key(registered: RegisteredRuntime) -> str:
    return RUNTIME_PREFIX + registered.info.name


def _flow_body(flow: FlowView) -> schemas.RuntimeFlowBody:
    error = flow.error
    return schemas.RuntimeFlowBody(
        flow_id=flow.flow_id,
        runtime=flow.target.removeprefix(RUNTIME_PREFIX),
        method=flow.method,
        kind=flow.kind,
        state=flow.state,
        authorize_url=flow.authorize_url,
        user_code=flow.user_code,
        verification_uri=flow.verification_uri,
        expires_at=time_text(flow.expires_at),
        needs_input=flow.needs_input,
        message=flow.message,
        error=schemas.FlowErrorBody(code=error.code, message=error.message) if error else None,
        account=account_body(flow.account),
    )
