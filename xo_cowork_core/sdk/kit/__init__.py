"""Building blocks that most runtimes need, independent of any agent."""

from xo_cowork_core.sdk.kit.acp.runtime import AcpRuntime
from xo_cowork_core.sdk.kit.json_lines import JsonLinesAgents, JsonLinesProcess
from xo_cowork_core.sdk.kit.json_rpc import (
    JsonRpcError,
    JsonRpcHandler,
    JsonRpcPeer,
    parse_message,
)
from xo_cowork_core.sdk.kit.json_rpc_runtime import JsonRpcRuntime
from xo_cowork_core.sdk.kit.json_rpc_turn import JsonRpcTurn
from xo_cowork_core.sdk.kit.mcp_entries import read_mcp_entries
from xo_cowork_core.sdk.kit.pending_answers import PendingAnswers
from xo_cowork_core.sdk.kit.process_failure import process_failure
from xo_cowork_core.sdk.kit.program_probe import CommandResult, ProgramHealth
from xo_cowork_core.sdk.kit.session_ids import SessionIds
from xo_cowork_core.sdk.kit.sign_in_events import sign_in_events
from xo_cowork_core.sdk.kit.single_flight import SingleFlight
from xo_cowork_core.sdk.kit.step_counter import StepCounter
from xo_cowork_core.sdk.kit.text_reconciler import Passage, TextReconciler
from xo_cowork_core.sdk.kit.title import UNTITLED, strip_context, title_from_text, title_of
from xo_cowork_core.sdk.kit.tool_calls import ToolCalls
from xo_cowork_core.sdk.kit.turn_deadline import TurnDeadline, TurnLimits
from xo_cowork_core.sdk.kit.turn_registry import ActiveTurn, ActiveTurns

__all__ = [
    "UNTITLED",
    "AcpRuntime",
    "ActiveTurn",
    "ActiveTurns",
    "CommandResult",
    "JsonLinesAgents",
    "JsonLinesProcess",
    "JsonRpcError",
    "JsonRpcHandler",
    "JsonRpcPeer",
    "JsonRpcRuntime",
    "JsonRpcTurn",
    "Passage",
    "PendingAnswers",
    "ProgramHealth",
    "SessionIds",
    "SingleFlight",
    "StepCounter",
    "TextReconciler",
    "ToolCalls",
    "TurnDeadline",
    "TurnLimits",
    "parse_message",
    "process_failure",
    "read_mcp_entries",
    "sign_in_events",
    "strip_context",
    "title_from_text",
    "title_of",
]
