"""What the webhook tells: ids, states, reasons and names; nothing that was said or written."""

import secrets
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias

from xo_cowork_core.sdk import Event, PermissionRequest, PlanReview, Question
from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.connectors.events import ConnectionEvent
from xo_cowork_core.services.turns.running_turn import RunningTurn

NoticeType: TypeAlias = Literal[
    "connection.needs_reauth", "connection.recovered", "turn.finished", "turn.input_needed"
]


class Notice(NamedTuple):
    """One message: its id for the receiver, and its body."""

    message_id: str
    body: dict[str, JsonValue]


def connection_notice(event: ConnectionEvent) -> Notice | None:
    """Return the notice of a change of a connection; None for a change that needs nobody."""
    status = event.status
    data: dict[str, JsonValue] = {
        "connector": status.connector,
        "connection": status.connection,
        "state": status.state,
        "reason": status.reason,
        "since": stamp(status.since) if status.since else None,
    }
    if event.kind == "needs_reauth":
        return _notice("connection.needs_reauth", event.at, data)
    if event.before == "needs_reauth" and event.kind == "recovered":
        return _notice("connection.recovered", event.at, data)
    return None


def finished_notice(running: RunningTurn, now: datetime) -> Notice:
    """Return the notice of a turn that has ended."""
    outcome = running.outcome
    return _notice(
        "turn.finished",
        now,
        {
            **_turn_data(running),
            "finish_reason": outcome.finish_reason,
            "error_code": outcome.error_code,
            "duration_seconds": round(outcome.duration_seconds, 3),
        },
    )


def input_notice(running: RunningTurn, event: Event, now: datetime) -> Notice | None:
    """Return the notice of a request that waits for a person; None for another event."""
    match event:
        case PermissionRequest():
            request: dict[str, JsonValue] = {
                "kind": "permission",
                "call_id": event.call_id,
                "tool": event.tool,
                "permission": event.permission,
            }
        case Question():
            request = {"kind": "question", "call_id": event.call_id}
        case PlanReview():
            request = {"kind": "plan", "call_id": event.call_id}
        case _:
            return None
    return _notice("turn.input_needed", now, {**_turn_data(running), **request})


def _turn_data(running: RunningTurn) -> dict[str, JsonValue]:
    turn = running.turn
    return {
        "stream_id": turn.stream_id,
        "session_id": turn.session_id,
        "agent_id": turn.agent_id,
        "agent_name": running.owner.info.name,
    }


def _notice(kind: NoticeType, at: datetime, data: dict[str, JsonValue]) -> Notice:
    return Notice(
        f"msg_{secrets.token_hex(16)}", {"type": kind, "timestamp": stamp(at), "data": data}
    )
