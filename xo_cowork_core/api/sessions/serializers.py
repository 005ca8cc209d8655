"""Services' objects as the contract's JSON, and the two wire styles."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal

from fastapi import Request

from xo_cowork_core.sdk import (
    BadRequest,
    FilePart,
    Message,
    Part,
    ReasoningPart,
    StepPart,
    TextPart,
    ToolPart,
)
from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.index.queries import Session

WireStyle = Literal["docs", "spa"]


def style_of(request: Request, default: WireStyle) -> WireStyle:
    """Return the wire style of one request: its `X-XO-Wire` header, else the setting."""
    asked = request.headers.get("x-xo-wire")
    match asked:
        case None:
            return default
        case "docs" | "spa":
            return asked
        case _:
            raise BadRequest("`X-XO-Wire` must be docs or spa")


def session_row(session: Session) -> dict[str, Any]:
    """A session in both field sets."""
    created, updated = stamp(session.time_created), stamp(session.time_updated)
    return {
        "id": session.session_id,
        "session_id": session.session_id,
        "title": session.title,
        "agent_name": session.agent_name,
        "agent_id": session.agent_id,
        "agent": session.agent_id or session.agent_name,
        "directory": session.directory,
        "message_count": session.message_count,
        "updated_at": updated,
        "time_updated": updated,
        "time_created": created,
        "is_pinned": session.is_pinned,
        "project_id": session.agent_id,
        "parent_id": None,
        "slug": None,
        "version": 1,
        "summary_additions": 0,
        "summary_deletions": 0,
        "summary_files": 0,
        "summary_diffs": [],
        "permission": {},
        "time_compacting": None,
        "time_archived": None,
    }


def message_row(message: Message, session_id: str) -> dict[str, Any]:
    """A message with its parts, and the flat fields beside them."""
    created = stamp(message.time_created)
    data: dict[str, Any] = {"role": message.role}
    if message.role == "assistant":
        data |= {
            "model_id": message.model_id,
            "provider_id": message.provider_id,
            "cost": message.cost,
            "tokens": message.tokens.data() if message.tokens else None,
            "finish": message.finish,
            "error": message.error,
        }
    parts = [
        {
            "id": f"{message.id}_p{number}",
            "message_id": message.id,
            "session_id": session_id,
            "time_created": created,
            "data": part_data(part),
        }
        for number, part in enumerate(message.parts)
    ]
    return {
        "id": message.id,
        "session_id": session_id,
        "role": message.role,
        "text": "\n\n".join(part.text for part in message.parts if isinstance(part, TextPart)),
        "tool_calls": [part["data"] for part in parts if part["data"]["type"] == "tool"],
        "timestamp": created,
        "time_created": created,
        "data": data,
        "parts": parts,
    }


def part_data(part: Part) -> Mapping[str, Any]:
    """One part's data, with its type."""
    match part:
        case TextPart():
            return {"type": "text", "text": part.text}
        case ReasoningPart():
            return {"type": "reasoning", "text": part.text}
        case FilePart():
            return {"type": "file", **asdict(part)}
        case StepPart():
            return {
                "type": "step-finish",
                "reason": part.reason,
                "tokens": part.tokens.data(),
                "cost": part.cost,
            }
        case ToolPart():
            return _tool_data(part)


def _tool_data(part: ToolPart) -> Mapping[str, Any]:
    return {
        "type": "tool",
        "tool": part.tool,
        "call_id": part.call_id,
        "state": {
            "status": part.status,
            "input": part.input,
            "output": part.output,
            "title": part.title or part.tool,
            "metadata": part.metadata,
            "time_start": stamp(part.time_start) if part.time_start else None,
            "time_end": stamp(part.time_end) if part.time_end else None,
        },
    }
