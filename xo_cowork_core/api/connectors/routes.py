"""Connectors: their sign-ins, their connections, and the browser's return (contract §7)."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, TypeAlias

from fastapi import Body as JsonBody
from fastapi import Header, Query, Request, Response
from fastapi.responses import HTMLResponse
from sse_starlette.sse import EventSourceResponse

from xo_cowork_core.api.connectors import (
    CONNECT_PATH,
    CONNECTORS_PATH,
    DISCONNECT_PATH,
    EVENTS_PATH,
    FLOW_PATH,
    INPUT_PATH,
    RECONNECT_PATH,
    STATUS_PATH,
    TOKEN_PATH,
    schemas,
    serializers,
)
from xo_cowork_core.api.connectors.event_reader import ConnectionEventReader
from xo_cowork_core.api.dependencies import Services, ServicesDep
from xo_cowork_core.api.lazy_route import lazy_router
from xo_cowork_core.api.models import Responses
from xo_cowork_core.api.streaming.event_ids import parse_event_id
from xo_cowork_core.api.streaming.response import stream_response
from xo_cowork_core.api.streaming.sse import SSE
from xo_cowork_core.sdk import NotFound, UpstreamFailed
from xo_cowork_core.sdk.connector import SignInMethod
from xo_cowork_core.sdk.connector.status import DEFAULT_CONNECTION
from xo_cowork_core.services.auth_flows.pages import PAGE_HEADERS, result_page
from xo_cowork_core.services.public_address import OAUTH_CALLBACK_PATH
from xo_cowork_core.services.runtimes.registry import RegisteredConnector

ConnectBody: TypeAlias = Annotated[
    schemas.ConnectRequest | None, JsonBody(examples=[{"method": "authorization_code"}])
]
ConnectionBody: TypeAlias = Annotated[
    schemas.ConnectionRequest | None, JsonBody(examples=[{"connection": DEFAULT_CONNECTION}])
]
STARTED: Responses = {
    200: {"description": "The sign-in ended at once.", "model": schemas.FlowBody},
    202: {"description": "The sign-in waits for a person."},
}
EVENTS: Responses = {
    200: {
        "description": "The state of all connections, then each change.",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": 'id: 1\nevent: connection\ndata: {"type":"recovered",…}\n\n',
            }
        },
    }
}
# two readers at the same place may get different events: a snapshot or a change
EVENTS_FORMAT = SSE._replace(shares_frames=False)
router = lazy_router()


@router.get(CONNECTORS_PATH)
async def list_connectors(services: ServicesDep) -> list[schemas.ConnectorBody]:
    """List every connector with its ways to sign in and its connections."""
    statuses = services.connections.statuses()
    return [
        serializers.connector_body(
            registered,
            await _methods(services, name),
            [status for status in statuses if status.connector == name],
        )
        for name, registered in sorted(services.registry.connectors.items())
    ]


@router.get(EVENTS_PATH, response_class=EventSourceResponse, responses=EVENTS)
async def stream_events(
    services: ServicesDep,
    last_event_id: Annotated[str | None, Header()] = None,
) -> EventSourceResponse:
    """Stream the changes of connections, for as long as the client reads.

    The first event has the state of all connections, unless `Last-Event-ID` is that of a recent
    event: then what came after it follows.
    """
    events, statuses = services.connection_events, services.connections.statuses
    reader = ConnectionEventReader(events, statuses, parse_event_id(last_event_id))
    events.add_reader()
    cache = services.frame_cache
    return stream_response(EVENTS_PATH, reader, EVENTS_FORMAT, cache, on_end=events.remove_reader)


@router.post(CONNECT_PATH, status_code=202, responses=STARTED)
async def connect(
    name: str,
    services: ServicesDep,
    response: Response,
    body: ConnectBody = None,
) -> schemas.FlowBody:
    """Start a sign-in; answered once a person can act, or when it has ended."""
    body = body or schemas.ConnectRequest()
    return await _start(services, response, name, body, body.method)


@router.post(RECONNECT_PATH, status_code=202, responses=STARTED)
async def reconnect(
    name: str,
    services: ServicesDep,
    response: Response,
    body: ConnectBody = None,
) -> schemas.FlowBody:
    """Sign in again, by the method of the last time, with the same account.

    The connection is kept as it is until the new sign-in has succeeded.
    """
    body = body or schemas.ConnectRequest()
    last = services.connections.status(name, body.connection).method
    offered = {method.id for method in await services.connections.methods(name)}
    method = body.method or (last if last in offered else None)
    return await _start(services, response, name, body, method)


@router.post(TOKEN_PATH)
async def submit_token(
    name: str, body: schemas.TokenRequest, services: ServicesDep
) -> schemas.TokenBody:
    """Sign in with a key in one step. A key that the service refuses is answered with 400."""
    registered = _find(services, name)
    flows = await services.auth_flows.get()
    await flows.sign_in_with_key(name, body.connection, body.token)
    status = services.connections.status(name, body.connection)
    return schemas.TokenBody(ok=True, **serializers.status_body(status, registered))


@router.get(FLOW_PATH)
async def read_flow(name: str, flow_id: str, services: ServicesDep) -> schemas.FlowBody:
    """Return a sign-in. One that has ended can be read for another 10 minutes."""
    flows = await services.auth_flows.get()
    return serializers.flow_body(flows.read(name, flow_id))


@router.delete(FLOW_PATH)
async def cancel_flow(name: str, flow_id: str, services: ServicesDep) -> schemas.FlowBody:
    """End a sign-in; one that has ended stays as it is."""
    flows = await services.auth_flows.get()
    return serializers.flow_body(await flows.cancel(name, flow_id))


@router.post(INPUT_PATH)
async def submit_input(
    name: str, flow_id: str, body: schemas.InputRequest, services: ServicesDep
) -> schemas.FlowBody:
    """Pass on what a person pasted; answered with what follows from it."""
    flows = await services.auth_flows.get()
    return serializers.flow_body(await flows.submit(name, flow_id, body.input))


@router.get(STATUS_PATH)
async def read_status(
    name: str,
    services: ServicesDep,
    connection: Annotated[schemas.Name, Query()] = DEFAULT_CONNECTION,
    verify: Annotated[bool, Query()] = False,
) -> schemas.StatusBody:
    """Return a connection's state as it is known; with `verify`, ask the service first.

    The service is asked at most once a minute.
    """
    registered = _find(services, name)
    connections = services.connections
    if verify:
        status = await connections.check(name, connection)
    else:
        status = connections.status(name, connection)
    return serializers.status_body(status, registered)


@router.post(DISCONNECT_PATH)
async def disconnect(
    name: str, services: ServicesDep, body: ConnectionBody = None
) -> schemas.StatusBody:
    """Revoke a connection's tokens at the service and delete them here."""
    registered = _find(services, name)
    connection = (body or schemas.ConnectionRequest()).connection
    status = await services.connections.disconnect(name, connection)
    return serializers.status_body(status, registered)


@router.get(
    OAUTH_CALLBACK_PATH,
    response_class=HTMLResponse,
    responses={
        200: {"description": "The sign-in has succeeded.", "content": {"text/html": {}}},
        400: {"description": "No such sign-in, or it failed.", "content": {"text/html": {}}},
    },
)
async def oauth_callback(request: Request, services: ServicesDep) -> HTMLResponse:
    """Take a browser's return from an authorization server; the page tells how it went.

    Open without a token: it only ends the sign-in whose single-use `state` it brings.
    """
    sent = request.query_params.multi_items()
    query = dict(sent)
    # RFC 6749 §3.1: a parameter must not occur twice
    flows = await services.auth_flows.get()
    result = await flows.callback(query if len(query) == len(sent) else {})
    page = result_page(ok=result.ok, message=result.message)
    is_known = result.ok and result.flow is not None
    return HTMLResponse(page, 200 if is_known else 400, PAGE_HEADERS)


async def _start(
    services: Services,
    response: Response,
    name: str,
    body: schemas.ConnectRequest,
    method: str | None,
) -> schemas.FlowBody:
    flows = await services.auth_flows.get()
    flow = await flows.start(
        name,
        method=method,
        connection=body.connection,
        force=body.force,
        redirect=body.redirect,
        # a client that leaves the choice of the method says by which way it could come back
        requires_redirect=body.method is not None,
        public_callback=services.public_address.callback_url(asked=body.redirect == "public"),
        input=body.input,
    )
    response.status_code = HTTPStatus.OK if flow.is_over else HTTPStatus.ACCEPTED
    return serializers.flow_body(flow)


async def _methods(services: Services, name: str) -> Sequence[SignInMethod]:
    try:
        return await services.connections.methods(name)
    except UpstreamFailed:
        # the log has the reason; one connector's fault must not cost the list of all
        return ()


def _find(services: Services, name: str) -> RegisteredConnector:
    registered = services.registry.connectors.get(name)
    if registered is None:
        raise NotFound(f"There is no connector {name}.")
    return registered
