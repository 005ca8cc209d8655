"""Chat: prompt, stream, abort, respond, active, edit (contract §2)."""

from typing import Annotated

from fastapi import Header, Query
from sse_starlette.sse import EventSourceResponse

from xo_cowork_core.api.chat import STREAM_PATH, schemas
from xo_cowork_core.api.dependencies import ServicesDep
from xo_cowork_core.api.lazy_route import lazy_router
from xo_cowork_core.api.models import OkResponse, Responses
from xo_cowork_core.api.streaming.event_ids import parse_event_id
from xo_cowork_core.api.streaming.formats import find_format
from xo_cowork_core.api.streaming.response import stream_response
from xo_cowork_core.sdk import BadRequest, PermissionRule
from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.eventlog.reader import open_reader
from xo_cowork_core.services.turns.active_turn import StartedTurn
from xo_cowork_core.services.turns.prompt import AttachedFile, Prompt

router = lazy_router()


def prompt_of(body: schemas.PromptRequest, *, edits: str | None = None) -> Prompt:
    """Convert a body to a prompt. Raises BadRequest when it has neither text nor attachments."""
    text = body.text.strip()
    if not text and not body.attachments:
        raise BadRequest("Empty message")
    presets = body.permission_presets or schemas.PermissionPresets()
    return Prompt(
        text=text,
        session_id=body.session_id or None,
        agent_name=body.agent_name or None,
        agent_id=body.agent_id or None,
        workspace=body.workspace or None,
        skill=body.agent_type or None,
        model=body.model or None,
        provider_id=body.provider_id or None,
        mode=body.agent or "build",
        attachments=tuple(
            AttachedFile(file.path, file.name, file.mime_type, file.file_id, file.size)
            for file in body.attachments or ()
        ),
        file_changes=_rule(presets.file_changes),
        run_commands=_rule(presets.run_commands),
        reasoning=_reasoning(body.reasoning),
        edits=edits,
    )


def _rule(preset: schemas.Preset | None) -> PermissionRule | None:
    match preset:
        case True:
            return "allow"
        case False:
            return "ask"
        case _:
            return preset


def _reasoning(value: str | bool | None) -> str | None:
    if isinstance(value, bool):
        return "on" if value else None
    return value or None


@router.post("/api/chat/prompt")
async def prompt(body: schemas.PromptRequest, services: ServicesDep) -> schemas.StartedTurn:
    """Start a turn. It runs whether or not a client reads its stream."""
    return _started_turn(await services.turns.start(prompt_of(body)))


@router.post("/api/chat/edit")
async def edit(body: schemas.EditRequest, services: ServicesDep) -> schemas.StartedTurn:
    """Delete a user message and all later messages, then start a turn in its place."""
    if not body.session_id:
        raise BadRequest("`session_id` is missing")
    return _started_turn(await services.turns.start(prompt_of(body, edits=body.message_id)))


def _started_turn(started: StartedTurn) -> schemas.StartedTurn:
    return schemas.StartedTurn(
        stream_id=started.stream_id,
        session_id=started.session_id,
        agent_id=started.agent_id,
        directory=started.directory,
    )


STREAM_RESPONSES: Responses = {
    200: {
        "description": "The turn's events from after the last seen id, to its terminal event",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": 'id: 1\nevent: text-delta\ndata: {"text":"Hi","session_id":"…"}\n\n',
            }
        },
    }
}


@router.get(STREAM_PATH, response_class=EventSourceResponse, responses=STREAM_RESPONSES)
@router.post(STREAM_PATH, response_class=EventSourceResponse, responses=STREAM_RESPONSES)
async def stream(
    stream_id: str,
    services: ServicesDep,
    last_event_id: Annotated[str | None, Header()] = None,
    query: Annotated[str | None, Query(alias="last_event_id")] = None,
    stream_format: Annotated[str | None, Query(alias="format", examples=["sse"])] = None,
) -> EventSourceResponse:
    """Stream a turn's events after `last_event_id`. Any number of clients may read a stream."""
    last_seen = max(parse_event_id(last_event_id), parse_event_id(query))
    reader = await open_reader(services.eventlog, stream_id, last_seen)
    return stream_response(stream_id, reader, find_format(stream_format), services.frame_cache)


@router.post("/api/chat/abort")
async def abort(body: schemas.AbortRequest, services: ServicesDep) -> schemas.AbortResponse:
    """Stop a turn and its agent; respond after the turn has ended."""
    return schemas.AbortResponse(ok=True, aborted=await services.turns.abort(body.stream_id or ""))


@router.post("/api/chat/respond")
async def respond(body: schemas.RespondRequest, services: ServicesDep) -> OkResponse:
    """Answer a permission request, a question or a plan. Only the first answer is used."""
    await services.turns.respond(body.stream_id, body.call_id, body.response)
    return OkResponse(ok=True)


@router.get("/api/chat/active")
async def active(services: ServicesDep) -> list[schemas.ActiveTurnRow]:
    """List the running turns, oldest first."""
    return [
        schemas.ActiveTurnRow(
            stream_id=running.turn.stream_id,
            session_id=running.turn.session_id,
            agent_name=running.owner.info.name,
            agent_id=running.turn.agent_id,
            started_at=stamp(running.started_at),
            needs_input=running.interactions.has_open,
        )
        for running in services.turns.active()
    ]
