"""The older chat routes, over the same turns (contract §2, Legacy)."""

from collections.abc import AsyncIterator, Mapping

import orjson
from sse_starlette.sse import EventSourceResponse

from xo_cowork_core.api.dependencies import Services, ServicesDep
from xo_cowork_core.api.lazy_route import lazy_router
from xo_cowork_core.api.legacy import ASK_PATH, ASK_STREAMING_PATH, SESSIONS_PATH, schemas
from xo_cowork_core.api.models import OkResponse
from xo_cowork_core.sdk import BadRequest
from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.turns.legacy_chat import TurnFailure
from xo_cowork_core.services.turns.prompt import Prompt

router = lazy_router()


def _prompt(body: schemas.QuestionRequest) -> Prompt:
    question = body.question.strip()
    if not question:
        raise BadRequest("Empty message")
    if not body.project_name.strip():
        raise BadRequest("`project_name` is missing")
    return Prompt(
        text=question,
        agent_id=body.project_name.strip(),
        agent_name=body.agent_name or None,
        skill=body.agent_type or None,
    )


@router.post(ASK_PATH)
async def ask_question(
    body: schemas.QuestionRequest, services: ServicesDep
) -> schemas.QuestionAnswer:
    """Run a turn and return its whole answer."""
    started, new = await services.legacy.start_turn(body.project_name, _prompt(body), body.user_id)
    message = await services.legacy.wait_for_text(started.stream_id)
    return schemas.QuestionAnswer(
        id=None,
        message=message,
        project_id=body.project_name,
        user_id=body.user_id,
        session_id=started.session_id,
        is_new_session=new,
        timestamp=stamp(services.clock.now()),
    )


@router.post(
    ASK_STREAMING_PATH,
    response_class=EventSourceResponse,
    responses={
        200: {
            "description": "Unnamed events: tokens, an error if one came, then the end",
            "content": {
                "text/event-stream": {
                    "schema": {"type": "string"},
                    "example": 'data: {"type":"token","token":"Hi"}\n\ndata: {"done":true}\n\n',
                }
            },
        }
    },
)
async def ask_question_streaming(
    body: schemas.QuestionRequest, services: ServicesDep
) -> EventSourceResponse:
    """Run a turn and stream its answer."""
    started, _ = await services.legacy.start_turn(body.project_name, _prompt(body), body.user_id)
    return EventSourceResponse(
        _tokens(services, started.stream_id),
        headers={"Cache-Control": "no-cache"},
        sep="\n",
        ping=0,
    )


async def _tokens(services: Services, stream_id: str) -> AsyncIterator[bytes]:
    async for piece in services.legacy.read_pieces(stream_id):
        if isinstance(piece, TurnFailure):
            yield _frame({"type": "error", "error": piece.message})
        else:
            # an empty token keeps older readers from giving up during silence
            yield _frame({"type": "token", "token": piece.text})
    yield _frame({"done": True})


def _frame(data: Mapping[str, object]) -> bytes:
    return b"data: %b\n\n" % orjson.dumps(data)


@router.get(
    SESSIONS_PATH,
    responses={
        200: {
            "content": {
                "application/json": {
                    "example": {"my-project": {"session_id": "0b6f…", "user_id": None}}
                }
            }
        }
    },
)
async def list_project_sessions(services: ServicesDep) -> dict[str, dict[str, str | None]]:
    """Map each project name to its session."""
    return {
        row.project_name: {
            "session_id": row.session_id,
            "user_id": row.user_id,
            "updated_at": row.time_updated,
        }
        for row in await services.legacy.list_sessions()
    }


@router.delete(SESSIONS_PATH + "/{project_id}")
async def forget_project_session(project_id: str, services: ServicesDep) -> OkResponse:
    """Start a new session with the project's next question; the old session stays in the lists."""
    await services.legacy.forget_session(project_id)
    return OkResponse(ok=True)
