"""Approvals of commands: gateway requests as events, answers as decisions."""

from typing import Any, NamedTuple

from xo_cowork_core.sdk import PermissionRequest, PermissionResolved, Permissions, Turn
from xo_runtime_openclaw.gateway.frames import Row, row, text_of

RESOLVE = "exec.approval.resolve"


class ApprovalRequest(NamedTuple):
    """The gateway waits for a decision on one command."""

    id: str
    call_id: str
    command: str
    cwd: str = ""
    warning: str = ""


class ApprovalResolved(NamedTuple):
    """A decision was made: by this server, another client, or a timeout."""

    id: str


def read_approval_request(payload: Row) -> ApprovalRequest | None:
    """Read `exec.approval.requested`, or a row of `exec.approval.list`."""
    request_id, request = payload.get("id"), row(payload.get("request"))
    if not isinstance(request_id, str):
        return None
    return ApprovalRequest(
        id=request_id,
        call_id=text_of(request.get("toolCallId")) or request_id,
        command=text_of(request.get("command")),
        cwd=text_of(request.get("cwd")),
        warning=text_of(request.get("warningText")),
    )


def event_of(request: ApprovalRequest) -> PermissionRequest:
    """Return the event that shows a request to the user."""
    arguments = {"command": request.command, "cwd": request.cwd, "warning": request.warning}
    return PermissionRequest(
        call_id=request.call_id,
        tool="bash",
        permission="run_commands",
        patterns=(request.command,),
        arguments={key: value for key, value in arguments.items() if value},
    )


def withdrawn(request: ApprovalRequest) -> PermissionResolved:
    """Return the event for a request that the gateway has withdrawn."""
    return PermissionResolved(request.call_id, "deny", "withdrawn")


def decision(request: ApprovalRequest, *, allow: bool) -> dict[str, Any]:
    """Return the parameters of a decision; never `allow-always`, presets hold for one prompt."""
    return {"id": request.id, "decision": "allow-once" if allow else "deny"}


def mode_of(turn: Turn) -> str:
    """Return the session's permission mode for a turn.

    OpenClaw has no approval for single files: `guarded` requests approval of commands and keeps
    file tools inside the session's folder, `read-only` has neither, `full` requests nothing.
    """
    permissions: Permissions = turn.permissions
    if turn.mode == "plan" or permissions.file_changes == "deny":
        return "read-only"
    return "full" if permissions.run_commands == "allow" else "guarded"
