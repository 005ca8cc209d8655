"""Examples of the OpenAPI document, built as the answers are."""

from datetime import UTC, datetime

from xo_cowork_core.api.sessions.schemas import EXAMPLE_ID, MessageRow, SessionRow
from xo_cowork_core.api.sessions.serializers import message_row, session_row
from xo_cowork_core.sdk import Tokens
from xo_cowork_core.sdk.runtime.history import Message, StepPart, TextPart, ToolPart
from xo_cowork_core.services.index.queries import Session

_NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
_TOKENS = Tokens(input=48, output=30)
_TOOL = ToolPart(
    "c1", "read", {"file_path": "PLAN.md"}, "completed", "# Plan", "Read PLAN.md", {}, _NOW, _NOW
)
_ANSWER = Message(
    "5f0c2a0e-a",
    "assistant",
    (_TOOL, TextPart("Hello!"), StepPart("stop", _TOKENS, 0.01)),
    _NOW,
    "demo",
    "demo",
    _TOKENS,
    0.01,
    "stop",
)
SESSION: SessionRow = session_row(
    Session(
        EXAMPLE_ID, "demo", "garden", "/home/ann/xo-projects/garden", "Say hello", _NOW, _NOW, 2
    )
)
MESSAGES: list[MessageRow] = [
    message_row(Message("5f0c2a0e-u", "user", (TextPart("Say hello"),), _NOW), EXAMPLE_ID),
    message_row(_ANSWER, EXAMPLE_ID),
]
