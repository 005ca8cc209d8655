"""Commands that need leave: the gateway's approvals as events, answers as decisions."""

from dataclasses import dataclass
from typing import Any

from xo_cowork_core.sdk import PermissionRequest, PermissionResolved, Permissions, Turn
from xo_runtime_openclaw.gateway.frames import Row, row, text_of

RESOLVE = "exec.approval.resolve"


@dataclass(frozen=True, slots=True)
class Asked:
    """The gateway waits for a word on one command."""

    id: str
    call_id: str
    command: str
    cwd: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """Somebody gave it: we, another client, or time."""

    id: str


def read_asked(payload: Row) -> Asked | None:
    """Read `exec.approval.requested`, or a row of `exec.approval.list`."""
    number, request = payload.get("id"), row(payload.get("request"))
    if not isinstance(number, str):
        return None
    return Asked(
        id=number,
        call_id=text_of(request.get("toolCallId")) or number,
        command=text_of(request.get("command")),
        cwd=text_of(request.get("cwd")),
        warning=text_of(request.get("warningText")),
    )


def event_of(asked: Asked) -> PermissionRequest:
    """Put it to the user."""
    arguments = {"command": asked.command, "cwd": asked.cwd, "warning": asked.warning}
    return PermissionRequest(
        call_id=asked.call_id,
        tool="bash",
        permission="run_commands",
        patterns=(asked.command,),
        arguments={key: value for key, value in arguments.items() if value},
    )


def withdrawn(asked: Asked) -> PermissionResolved:
    """Tell that the gateway no longer waits."""
    return PermissionResolved(asked.call_id, "deny", "withdrawn")


def decision(asked: Asked, *, allow: bool) -> dict[str, Any]:
    """Parameters of the answer. Never `allow-always`: presets are per prompt, not for ever."""
    return {"id": asked.id, "decision": "allow-once" if allow else "deny"}


def mode_of(turn: Turn) -> str:
    """Choose the session's permission mode for a turn.

    OpenClaw knows no leave for single files: `guarded` asks before commands and keeps file tools
    inside the session's folder, `read-only` has neither, `full` asks nothing.
    """
    permissions: Permissions = turn.permissions
    if turn.mode == "plan" or permissions.file_changes == "deny":
        return "read-only"
    return "full" if permissions.run_commands == "allow" else "guarded"
