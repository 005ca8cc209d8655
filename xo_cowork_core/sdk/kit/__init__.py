"""Building blocks that most runtimes need, independent of any agent."""

from xo_cowork_core.sdk.kit.json_rpc import (
    JsonRpcError,
    JsonRpcHandler,
    JsonRpcPeer,
    parse_message,
)
from xo_cowork_core.sdk.kit.pending_answers import PendingAnswers
from xo_cowork_core.sdk.kit.process_failure import process_failure
from xo_cowork_core.sdk.kit.program_probe import CommandResult, ProgramHealth
from xo_cowork_core.sdk.kit.single_flight import SingleFlight
from xo_cowork_core.sdk.kit.step_counter import StepCounter
from xo_cowork_core.sdk.kit.text_reconciler import Passage, TextReconciler
from xo_cowork_core.sdk.kit.title import UNTITLED, strip_context, title_from_text, title_of
from xo_cowork_core.sdk.kit.turn_deadline import TurnDeadline, TurnLimits
from xo_cowork_core.sdk.kit.turn_registry import ActiveTurn, ActiveTurns

__all__ = [
    "UNTITLED",
    "ActiveTurn",
    "ActiveTurns",
    "CommandResult",
    "JsonRpcError",
    "JsonRpcHandler",
    "JsonRpcPeer",
    "Passage",
    "PendingAnswers",
    "ProgramHealth",
    "SingleFlight",
    "StepCounter",
    "TextReconciler",
    "TurnDeadline",
    "TurnLimits",
    "parse_message",
    "process_failure",
    "strip_context",
    "title_from_text",
    "title_of",
]
