"""Makes the bodies of the routes from what the library knows."""

from collections.abc import Mapping
from datetime import datetime
from typing import cast

from xo_cowork_core.sdk.connector import ConnectionState
from xo_cowork_core.sdk.sign_in import FlowState, FlowView
from xo_lib_rclone.api.schemas import (
    EntryBody,
    RemoteBody,
    RemoteDetail,
    SessionBody,
    SessionStatus,
    Status,
    UploadBody,
)
from xo_lib_rclone.backend import RcloneBackend
from xo_lib_rclone.files import Entry
from xo_lib_rclone.remotes import Remote
from xo_lib_rclone.uploads import Upload

SESSION_STATUS: Mapping[FlowState, SessionStatus] = {
    "starting": "pending",
    "awaiting_user": "awaiting_oauth",
    "exchanging": "pending",
    "verifying": "pending",
    "completed": "completed",
    "failed": "failed",
    "expired": "failed",
    "cancelled": "cancelled",
}
STATUS: Mapping[ConnectionState, Status] = {
    "connected": "connected",
    "refreshing": "connected",
    # a connection that is expected to work again by itself
    "degraded": "connected",
    "needs_auth": "needs_auth",
    "needs_reauth": "needs_auth",
    "disconnected": "needs_auth",
}


def session_body(flow: FlowView) -> SessionBody:
    """Return a sign-in in the words of the contract."""
    return SessionBody(
        status=SESSION_STATUS[flow.state],
        auth_url=flow.authorize_url,
        needs_manual_code=flow.needs_input,
        remote_name=flow.connection,
        error=flow.error.message if flow.error else None,
        message=flow.message,
    )


def remote_body(backend: RcloneBackend, remote: Remote) -> RemoteBody:
    """Return one remote."""
    status = remote.status
    extra = cast("RemoteBody", backend.describe(remote.options, status.scopes))
    account = status.account
    names = (account.email, account.username, account.name, account.id) if account else ()
    return RemoteBody(
        name=remote.name,
        type=backend.type,
        complete=backend.is_complete(remote.options),
        scope=extra.get("scope"),
        drive_id=extra.get("drive_id"),
        drive_type=extra.get("drive_type"),
        region=extra.get("region"),
        status=STATUS[status.state],
        account=next((name for name in names if name), None),
        auth_method=status.method,
        detail=RemoteDetail(
            state=status.state, reason=status.reason, since=_time_text(status.since)
        ),
    )


def entry_body(entry: Entry) -> EntryBody:
    """Return one file or folder."""
    return EntryBody(
        name=entry.name,
        path=entry.path,
        is_dir=entry.is_folder,
        size=entry.size,
        modified_at=_time_text(entry.modified_at),
        id=entry.entry_id,
        mime_type=entry.mime_type,
    )


def upload_body(upload: Upload) -> UploadBody:
    """Return the progress of an upload."""
    return UploadBody(
        upload_id=upload.upload_id,
        path=upload.path,
        state=upload.state,
        sent=upload.sent,
        total=upload.total,
        error=upload.error or None,
    )


def _time_text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
