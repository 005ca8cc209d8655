"""Turns what the services know of connectors, flows and connections into bodies."""

from collections.abc import Sequence

from xo_cowork_core.api.connectors import schemas
from xo_cowork_core.sdk.connector import ApiKey, SignInMethod
from xo_cowork_core.sdk.connector.status import ConnectionStatus
from xo_cowork_core.sdk.connector.status_body import (
    account_body,
    connection_body,
    connection_detail,
    time_text,
    wire_status,
)
from xo_cowork_core.services.auth_flows.views import FlowView
from xo_cowork_core.services.runtimes.registry import RegisteredConnector


def flow_body(flow: FlowView) -> schemas.FlowBody:
    """Return one sign-in."""
    error = flow.error
    return schemas.FlowBody(
        flow_id=flow.flow_id,
        connector=flow.target,
        connection=flow.connection,
        method=flow.method,
        kind=flow.kind,
        state=flow.state,
        redirect=flow.redirect,
        authorize_url=flow.authorize_url,
        user_code=flow.user_code,
        verification_uri=flow.verification_uri,
        verification_uri_complete=flow.verification_uri_complete,
        expires_at=time_text(flow.expires_at),
        needs_input=flow.needs_input,
        message=flow.message,
        error=schemas.FlowErrorBody(code=error.code, message=error.message) if error else None,
        account=account_body(flow.account),
    )


def status_body(status: ConnectionStatus, registered: RegisteredConnector) -> schemas.StatusBody:
    """Return one connection of a connector."""
    return connection_body(status, failure=_failure(registered))


def connection_state(status: ConnectionStatus) -> schemas.ConnectionState:
    """Return the state of one connection, for the stream of events."""
    return schemas.ConnectionState(
        connector=status.connector,
        connection=status.connection,
        state=status.state,
        reason=status.reason,
        since=time_text(status.since),
        username=status.account.username or None if status.account else None,
    )


def connector_body(
    registered: RegisteredConnector,
    methods: Sequence[SignInMethod],
    statuses: Sequence[ConnectionStatus],
) -> schemas.ConnectorBody:
    """Return one connector; the first status is that of its connection `default`."""
    account, failure = statuses[0].account, _failure(registered)
    return schemas.ConnectorBody(
        name=registered.info.name,
        title=registered.info.title,
        plugin=registered.plugin.name,
        connected=statuses[0].is_connected and not failure,
        status=wire_status(statuses[0], failure),
        username=account.username or None if account else None,
        detail=connection_detail(statuses[0]),
        auth=list(dict.fromkeys(method.kind for method in methods)),
        methods=[method_body(method) for method in methods],
        connections=[status_body(status, registered) for status in statuses],
    )


def method_body(method: SignInMethod) -> schemas.MethodBody:
    """Return one way to sign in."""
    is_key = isinstance(method, ApiKey)
    return schemas.MethodBody(
        id=method.id,
        kind=method.kind,
        title=method.title,
        help=method.help if is_key else "",
        pattern=method.pattern if is_key else "",
    )


def _failure(registered: RegisteredConnector) -> str:
    plugin = registered.plugin
    return "" if plugin.serves else f"The plugin {plugin.name} is {plugin.state}."
