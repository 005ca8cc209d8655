"""Permissions, questions and plans: the CLI's control requests as events, answers as responses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xo_cowork_core.sdk import (
    AgentMode,
    Event,
    PermissionAnswer,
    PermissionRequest,
    PermissionResolved,
    PermissionRule,
    Permissions,
    PlanAnswer,
    PlanReview,
    Question,
    QuestionAnswer,
    QuestionItem,
    QuestionOption,
    QuestionResolved,
    TurnAnswer,
)
from xo_runtime_claude.tools import normal_name, patterns_of, permission_kind

DENIED = "The user doesn't allow this."
UNANSWERED = "The user gave no answer. Go on with your best guess, or say what you need."
TITLE_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Ask:
    """One `can_use_tool` request. `plan` is what the agent wrote as its plan."""

    request_id: str
    call_id: str
    tool: str
    arguments: Mapping[str, Any]
    blocked: str = ""
    plan: str = ""

    @property
    def is_question(self) -> bool:
        return self.tool == "AskUserQuestion"

    @property
    def is_plan(self) -> bool:
        return self.tool == "ExitPlanMode"


def rule_for(ask: Ask, permissions: Permissions, mode: AgentMode) -> PermissionRule:
    """Say what happens with a request. Questions are always put; so is a plan that was wanted."""
    if ask.is_question or (ask.is_plan and mode == "plan"):
        return "ask"
    return permissions.rule(permission_kind(ask.tool))


def event_of(ask: Ask) -> Event:
    """Turn a request into the event that puts it to the user."""
    if ask.is_question:
        return Question(ask.call_id, normal_name(ask.tool), questions_of(ask.arguments))
    if ask.is_plan:
        lines = [line.strip("# ").strip() for line in ask.plan.splitlines() if line.strip("# ")]
        return PlanReview(ask.call_id, (lines[0] if lines else "Plan")[:TITLE_LENGTH], ask.plan)
    return PermissionRequest(
        call_id=ask.call_id,
        tool=normal_name(ask.tool),
        permission=permission_kind(ask.tool),
        patterns=patterns_of(ask.arguments, ask.blocked),
        arguments=dict(ask.arguments),
    )


def withdrawn(ask: Ask) -> Event:
    """Tell that the agent no longer asks."""
    if ask.is_question:
        return QuestionResolved(ask.call_id, "withdrawn")
    return PermissionResolved(ask.call_id, "stop" if ask.is_plan else "deny", "withdrawn")


def questions_of(arguments: Mapping[str, Any]) -> list[QuestionItem]:
    """Read a question form; malformed parts are left out."""
    rows = arguments.get("questions")
    return [
        QuestionItem(
            question=str(row["question"]),
            header=str(row.get("header") or ""),
            options=_options(row.get("options")),
            multi_select=bool(row.get("multiSelect")),
        )
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and row.get("question")
    ]


def response(ask: Ask, answer: TurnAnswer) -> dict[str, Any]:
    """Build the control response that carries an answer."""
    match answer:
        case PermissionAnswer(allow=True) | PlanAnswer(action="accept"):
            return allow(ask)
        case PermissionAnswer(message=message):
            return deny(ask, message or DENIED)
        case PlanAnswer(action="revise", feedback=feedback):
            return deny(ask, f"The user wants the plan changed: {feedback or 'think again'}")
        case PlanAnswer():
            return deny(ask, "The user stopped here.", interrupt=True)
        case QuestionAnswer(answers=answers) if answers:
            return allow(ask, {"answers": dict(answers)})
    return deny(ask, UNANSWERED)


def allow(ask: Ask, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Let a tool run, with `more` laid over its input."""
    return _success(ask, {"behavior": "allow", "updatedInput": {**ask.arguments, **(more or {})}})


def deny(ask: Ask, message: str, *, interrupt: bool = False) -> dict[str, Any]:
    """Refuse a tool and tell the agent why."""
    return _success(ask, {"behavior": "deny", "message": message, "interrupt": interrupt})


def unknown(request_id: str) -> dict[str, Any]:
    """Refuse a request of a kind that this host doesn't serve, so that the CLI doesn't wait."""
    body = {"subtype": "error", "request_id": request_id, "error": "not supported by this host"}
    return {"type": "control_response", "response": body}


def _success(ask: Ask, body: Mapping[str, Any]) -> dict[str, Any]:
    inner = {"subtype": "success", "request_id": ask.request_id, "response": body}
    return {"type": "control_response", "response": inner}


def _options(rows: object) -> list[QuestionOption]:
    return [
        QuestionOption(str(row["label"]), str(row.get("description") or ""))
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and row.get("label")
    ]
