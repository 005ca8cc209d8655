"""Permissions, questions and plans: control requests as events, answers as control responses."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from xo_cowork_core.sdk import (
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
from xo_cowork_core.sdk.runtime.turn import AgentMode
from xo_runtime_claude.tools import normal_name, patterns_of, permission_kind

DENIED = "The user doesn't allow this."
UNANSWERED = "The user gave no answer. Go on with your best guess, or say what you need."
TITLE_LENGTH = 80


class ApprovalRequest(NamedTuple):
    """One `can_use_tool` request. `tool` is the CLI's name for it; `plan` is empty for all but a
    plan."""

    request_id: str
    call_id: str
    tool: str
    arguments: Mapping[str, Any]
    blocked_path: str = ""
    plan: str = ""

    @property
    def is_question(self) -> bool:
        return self.tool == "AskUserQuestion"

    @property
    def is_plan(self) -> bool:
        return self.tool == "ExitPlanMode"


def rule_for(request: ApprovalRequest, permissions: Permissions, mode: AgentMode) -> PermissionRule:
    """Return the rule for a request. Questions always go to the user, and plans in plan mode."""
    if request.is_question or (request.is_plan and mode == "plan"):
        return "ask"
    return permissions.rule(permission_kind(request.tool))


def request_event(request: ApprovalRequest) -> Event:
    """Return the event that shows a request to the user."""
    if request.is_question:
        return Question(request.call_id, normal_name(request.tool), questions_of(request.arguments))
    if request.is_plan:
        lines = [line.strip("# ").strip() for line in request.plan.splitlines() if line.strip("# ")]
        return PlanReview(
            request.call_id, (lines[0] if lines else "Plan")[:TITLE_LENGTH], request.plan
        )
    return PermissionRequest(
        call_id=request.call_id,
        tool=normal_name(request.tool),
        permission=permission_kind(request.tool),
        patterns=patterns_of(request.arguments, request.blocked_path),
        arguments=dict(request.arguments),
    )


def withdrawal_event(request: ApprovalRequest) -> Event:
    """Return the event that closes a request which the agent took back."""
    if request.is_question:
        return QuestionResolved(request.call_id, "withdrawn")
    return PermissionResolved(request.call_id, "stop" if request.is_plan else "deny", "withdrawn")


def questions_of(arguments: Mapping[str, Any]) -> list[QuestionItem]:
    """Return the questions of a form, without malformed ones."""
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


def response(request: ApprovalRequest, answer: TurnAnswer) -> dict[str, Any]:
    """Return the control response that carries an answer."""
    match answer:
        case PermissionAnswer(allow=True) | PlanAnswer(action="accept"):
            return allow(request)
        case PermissionAnswer(message=message):
            return deny(request, message or DENIED)
        case PlanAnswer(action="revise", feedback=feedback):
            return deny(request, f"The user wants the plan changed: {feedback or 'think again'}")
        case PlanAnswer():
            return deny(request, "The user stopped here.", interrupt=True)
        case QuestionAnswer(answers=answers) if answers:
            return allow(request, {"answers": dict(answers)})
    return deny(request, UNANSWERED)


def allow(request: ApprovalRequest, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the response that lets a tool run, with `changes` laid over its input."""
    return _success(
        request, {"behavior": "allow", "updatedInput": {**request.arguments, **(changes or {})}}
    )


def deny(request: ApprovalRequest, message: str, *, interrupt: bool = False) -> dict[str, Any]:
    """Return the response that denies a tool; the agent gets `message`."""
    return _success(request, {"behavior": "deny", "message": message, "interrupt": interrupt})


def unsupported(request_id: str) -> dict[str, Any]:
    """Return the error for a request of an unsupported kind, so that the CLI doesn't wait."""
    body = {"subtype": "error", "request_id": request_id, "error": "not supported by this host"}
    return {"type": "control_response", "response": body}


def _success(request: ApprovalRequest, body: Mapping[str, Any]) -> dict[str, Any]:
    inner = {"subtype": "success", "request_id": request.request_id, "response": body}
    return {"type": "control_response", "response": inner}


def _options(rows: object) -> list[QuestionOption]:
    return [
        QuestionOption(str(row["label"]), str(row.get("description") or ""))
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and row.get("label")
    ]
