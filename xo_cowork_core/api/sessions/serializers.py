"""Builds the bodies of sessions and messages from the objects of services."""

from xo_cowork_core.api.sessions.schemas import (
    CompactionData,
    FileData,
    MessageData,
    MessageRow,
    PartData,
    PartRow,
    SessionRow,
    StepData,
    TextData,
    ToolData,
)
from xo_cowork_core.api.token_counts import token_counts
from xo_cowork_core.sdk.runtime.history import (
    CompactionPart,
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


def session_row(session: Session) -> SessionRow:
    """Return a session in both field sets."""
    created, updated = stamp(session.time_created), stamp(session.time_updated)
    return {
        "id": session.session_id,
        "session_id": session.session_id,
        "title": session.title,
        "agent_name": session.agent_name,
        "backend": session.agent_name,
        "agent_id": session.agent_id,
        "agent": session.agent_id or session.agent_name,
        "directory": session.directory,
        "message_count": session.message_count,
        "updated_at": updated,
        "time_updated": updated,
        "created_at": created,
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


def message_row(message: Message, session_id: str) -> MessageRow:
    """Return a message with its parts, and the flat fields beside them."""
    created = stamp(message.time_created)
    parts: list[PartRow] = []
    tool_calls: list[ToolData] = []
    for number, part in enumerate(message.parts):
        data = part_data(part)
        parts.append(
            {
                "id": f"{message.id}_p{number}",
                "message_id": message.id,
                "session_id": session_id,
                "time_created": created,
                "data": data,
            }
        )
        if data["type"] == "tool":
            tool_calls.append(data)
    return {
        "id": message.id,
        "session_id": session_id,
        "role": message.role,
        "text": "\n\n".join(part.text for part in message.parts if isinstance(part, TextPart)),
        "tool_calls": tool_calls,
        "timestamp": created,
        "time_created": created,
        "data": _message_data(message),
        "parts": parts,
    }


def part_data(part: Part) -> PartData:
    """Return one part's data, with its type."""
    match part:
        case TextPart():
            return TextData(type="text", text=part.text)
        case ReasoningPart():
            return TextData(type="reasoning", text=part.text)
        case FilePart():
            return FileData(
                type="file",
                name=part.name,
                path=part.path,
                file_id=part.file_id,
                size=part.size,
                mime_type=part.mime_type,
            )
        case StepPart():
            return StepData(
                type="step-finish",
                reason=part.reason,
                tokens=token_counts(part.tokens),
                cost=part.cost,
            )
        case CompactionPart():
            return CompactionData(type="compaction")
        case ToolPart():
            return _tool_data(part)


def _tool_data(part: ToolPart) -> ToolData:
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


def _message_data(message: Message) -> MessageData:
    if message.role == "user":
        return {"role": "user"}
    return {
        "role": message.role,
        "model_id": message.model_id,
        "provider_id": message.provider_id,
        "cost": message.cost,
        "tokens": token_counts(message.tokens) if message.tokens else None,
        "finish": message.finish,
        "error": message.error,
    }
