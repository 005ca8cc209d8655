"""The wire body of a connection's state, for the host's routes and for those of plugins."""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import Field
from typing_extensions import TypedDict

from xo_cowork_core.sdk.connector.connector import Account, ConnectionState
from xo_cowork_core.sdk.connector.status import DEFAULT_CONNECTION, ConnectionStatus

Status: TypeAlias = Literal["connected", "needs_auth", "failed"]


class AccountBody(TypedDict):
    """The account at the service. Empty texts mean that the service doesn't say."""

    id: Annotated[str, Field(examples=["583231"])]
    login: Annotated[str, Field(examples=["octocat"])]
    username: Annotated[str, Field(examples=["octocat"])]
    name: Annotated[str, Field(examples=["The Octocat"])]
    email: Annotated[str, Field(examples=["octocat@example.com"])]
    avatar_url: Annotated[str, Field(examples=["https://avatars.example.com/u/583231"])]


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


def connection_body(status: ConnectionStatus, *, failure: str = "") -> StatusBody:
    """Return the body of a connection; `failure` says why the connector's plugin can't serve it."""
    account = status.account
    is_connected = status.is_connected and not failure
    return StatusBody(
        connection=status.connection,
        connected=is_connected,
        status=wire_status(status, failure),
        user=account_body(account),
        username=account.username or None if account else None,
        name=account.name or None if account else None,
        avatar_url=account.avatar_url or None if account else None,
        email=account.email or None if account else None,
        scopes=list(status.scopes),
        auth_method=status.method,
        error=failure or status.reason or None,
        detail=connection_detail(status),
    )


def account_body(account: Account | None) -> AccountBody | None:
    """Return an account."""
    if account is None:
        return None
    return AccountBody(
        id=account.id,
        login=account.username,
        username=account.username,
        name=account.name,
        email=account.email,
        avatar_url=account.avatar_url,
    )


def wire_status(status: ConnectionStatus, failure: str = "") -> Status:
    """Return the state in the words of the wire contract."""
    if failure:
        return "failed"
    return "connected" if status.is_connected else "needs_auth"


def connection_detail(status: ConnectionStatus) -> ConnectionDetail:
    """Return the exact state of a connection."""
    return ConnectionDetail(
        state=status.state,
        reason=status.reason,
        since=time_text(status.since),
        next_try=time_text(status.next_try),
        expires_at=time_text(status.expires_at),
        checked_at=time_text(status.checked_at),
    )


def time_text(time: datetime | None) -> str | None:
    """Return a time in ISO 8601."""
    return time.isoformat(timespec="seconds") if time else None
