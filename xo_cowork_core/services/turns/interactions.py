"""One pending interaction of a turn (permission, question or plan) and the parsing of answers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias, cast

from xo_cowork_core.sdk import (
    BadRequest,
    PermissionAnswer,
    PermissionRequest,
    PermissionResolved,
    PlanAnswer,
    PlanReview,
    Question,
    QuestionAnswer,
    QuestionResolved,
    TurnAnswer,
)

InteractionRequest: TypeAlias = PermissionRequest | Question | PlanReview
InteractionResolved: TypeAlias = PermissionResolved | QuestionResolved
REQUEST_EVENTS = frozenset({PermissionRequest.name, Question.name, PlanReview.name})
RESOLVED_EVENTS = frozenset({PermissionResolved.name, QuestionResolved.name})
PERMISSION_WORDS: Mapping[str, bool] = MappingProxyType(
    {"true": True, "allow": True, "false": False, "deny": False}
)
INTERACTION_EVENTS = REQUEST_EVENTS | RESOLVED_EVENTS


@dataclass(slots=True)
class PendingInteraction:
    """One request of a running turn. It is kept after its answer, so that a second answer is
    detected."""

    request: InteractionRequest
    is_resolved: bool = False

    def parse_response(self, response: object) -> TurnAnswer:
        """Parse the `response` of a request body. Raises BadRequest when it doesn't fit."""
        match self.request:
            case PermissionRequest():
                return _parse_permission(self.request, response)
            case Question():
                return _parse_question(self.request, response)
            case PlanReview():
                return _parse_plan(response)

    def refusal(self, message: str) -> TurnAnswer:
        """Return the answer for a request that no person answers; `message` is for the agent."""
        match self.request:
            case PermissionRequest():
                return PermissionAnswer(allow=False, message=message)
            case Question():
                return QuestionAnswer()
            case PlanReview():
                return PlanAnswer("stop", message)

    def resolved_event(self, answer: TurnAnswer, reason: str) -> InteractionResolved:
        """Return the event that closes the request for every reader."""
        call_id = self.request.call_id
        match answer:
            case PermissionAnswer():
                return PermissionResolved(call_id, "allow" if answer.allow else "deny", reason)
            case QuestionAnswer():
                return QuestionResolved(call_id, reason)
            case PlanAnswer():
                return PermissionResolved(call_id, answer.action, reason)


def _parse_permission(request: PermissionRequest, response: object) -> PermissionAnswer:
    scope: object = "once"
    if isinstance(response, str):
        response = _parse_json_object(response) or response
    if isinstance(response, Mapping):
        values = cast("Mapping[str, object]", response)
        response, scope = values.get("allow"), values.get("scope") or "once"
    if isinstance(response, str):
        response = PERMISSION_WORDS.get(response.strip().lower())
    if not isinstance(response, bool):
        raise BadRequest("`response` to a permission must be true or false")
    if scope not in ("once", *request.options):
        offered = ", ".join(request.options)
        raise BadRequest(f"`scope` must be one of the request's `options`: {offered}")
    message = "" if response else "The user refused."
    return PermissionAnswer(response, message, scope)


def _parse_question(question: Question, response: object) -> QuestionAnswer:
    if response is False:
        return QuestionAnswer()
    if isinstance(response, str):
        answers = _parse_json_object(response)
        if answers is None:
            return QuestionAnswer({question.questions[0].question: response})
        response = answers
    if not isinstance(response, Mapping):
        raise BadRequest("`response` to a question must be a string or a map question → answer")
    answers = cast("Mapping[str, object]", response)
    return QuestionAnswer({key: _answer_text(value) for key, value in answers.items()})


def _answer_text(value: object) -> str:
    """Return one answer as text; a multi-select answer may be a list of labels."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(str(item) for item in cast("list[object]", value))
    raise BadRequest("every answer must be a string or a list of strings")


def _parse_plan(response: object) -> PlanAnswer:
    if isinstance(response, bool):
        return PlanAnswer("accept" if response else "stop")
    if isinstance(response, str):
        response = _parse_json_object(response) or {"action": response}
    if not isinstance(response, Mapping):
        raise BadRequest("`response` to a plan must be a JSON string with `action`")
    values = cast("Mapping[str, object]", response)
    action, feedback = values.get("action"), values.get("feedback") or ""
    if action not in {"accept", "revise", "stop"} or not isinstance(feedback, str):
        raise BadRequest("`action` must be accept, revise or stop, and `feedback` a string")
    return PlanAnswer(cast("Any", action), feedback)


def _parse_json_object(text: str) -> Mapping[str, object] | None:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else None
