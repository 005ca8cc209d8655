"""Turns what the services know of connectors, flows and connections into bodies."""

from collections.abc import Sequence
from datetime import datetime

from xo_cowork_core.api.connectors import schemas
from xo_cowork_core.sdk.connector import Account, ApiKey, SignInMethod
from xo_cowork_core.services.auth_flows.views import FlowView
from xo_cowork_core.services.connectors.status import ConnectionStatus
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
    account = status.account
    return schemas.StatusBody(
        connection=status.connection,
        connected=_is_connected(status, registered),
        status=_wire_status(status, registered),
        user=account_body(account),
        username=account.username or None if account else None,
        name=account.name or None if account else None,
        avatar_url=account.avatar_url or None if account else None,
        email=account.email or None if account else None,
        scopes=list(status.scopes),
        auth_method=status.method,
        error=_error(status, registered),
        detail=_detail(status),
    )


def connector_body(
    registered: RegisteredConnector,
    methods: Sequence[SignInMethod],
    statuses: Sequence[ConnectionStatus],
) -> schemas.ConnectorBody:
    """Return one connector; the first status is that of its connection `default`."""
    account = statuses[0].account
    return schemas.ConnectorBody(
        name=registered.info.name,
        title=registered.info.title,
        plugin=registered.plugin.name,
        connected=_is_connected(statuses[0], registered),
        status=_wire_status(statuses[0], registered),
        username=account.username or None if account else None,
        detail=_detail(statuses[0]),
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


def account_body(account: Account | None) -> schemas.AccountBody | None:
    """Return an account."""
    if account is None:
        return None
    return schemas.AccountBody(
        id=account.id,
        login=account.username,
        username=account.username,
        name=account.name,
        email=account.email,
        avatar_url=account.avatar_url,
    )


def _detail(status: ConnectionStatus) -> schemas.ConnectionDetail:
    return schemas.ConnectionDetail(
        state=status.state,
        reason=status.reason,
        since=time_text(status.since),
        next_try=time_text(status.next_try),
        expires_at=time_text(status.expires_at),
        checked_at=time_text(status.checked_at),
    )


def _is_connected(status: ConnectionStatus, registered: RegisteredConnector) -> bool:
    return status.is_connected and registered.plugin.serves


def _wire_status(status: ConnectionStatus, registered: RegisteredConnector) -> schemas.Status:
    if not registered.plugin.serves:
        return "failed"
    return "connected" if status.is_connected else "needs_auth"


def _error(status: ConnectionStatus, registered: RegisteredConnector) -> str | None:
    if not registered.plugin.serves:
        return f"The plugin {registered.plugin.name} is {registered.plugin.state}."
    return status.reason or None


def time_text(time: datetime | None) -> str | None:
    """Return a time in ISO 8601."""
    return time.isoformat(timespec="seconds") if time else None
