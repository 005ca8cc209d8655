"""Permissions, questions and plans: server requests as events, answers as results."""

from collections.abc import Mapping
from typing import Any

from xo_cowork_core.sdk import (
    Event,
    PermissionAnswer,
    PermissionKind,
    PermissionRequest,
    PermissionResolved,
    PermissionRule,
    Permissions,
    PlanReview,
    Question,
    QuestionAnswer,
    QuestionItem,
    QuestionOption,
    QuestionResolved,
    TurnAnswer,
)
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_runtime_codex.protocol.tools import Tool, shell_command
from xo_runtime_codex.run.readonly_commands import only_reads
from xo_runtime_codex.server.thread_queue import Record

COMMAND = "item/commandExecution/requestApproval"
FILES = "item/fileChange/requestApproval"
PERMISSIONS = "item/permissions/requestApproval"
QUESTION = "item/tool/requestUserInput"
FORM = "mcpServer/elicitation/request"
KINDS: dict[str, PermissionKind] = {
    COMMAND: "run_commands",
    FILES: "file_changes",
    PERMISSIONS: "other",
    FORM: "other",
}
TITLE_LENGTH = 80


@frozen_dataclass
class ApprovalRequest:
    """A server request that the user may answer. `tool` is the tool call it concerns."""

    record: Record
    call_id: str
    tool: Tool | None = None

    @property
    def method(self) -> str:
        return str(self.record.get("method"))

    @property
    def params(self) -> Mapping[str, Any]:
        params = self.record.get("params")
        return params if isinstance(params, Mapping) else {}

    @property
    def is_question(self) -> bool:
        return self.method == QUESTION


def is_approval_request(record: Record) -> bool:
    """Return whether a server request is one that the user may answer."""
    method = record.get("method")
    return isinstance(method, str) and (method == QUESTION or method in KINDS)


def rule_for(request: ApprovalRequest, permissions: Permissions) -> PermissionRule:
    """Return the rule for a request: questions always `request`, read-only commands never."""
    if request.is_question:
        return "ask"
    rule = permissions.rule(KINDS[request.method])
    command = shell_command(request.params.get("command") or "")
    if rule == "ask" and request.method == COMMAND and only_reads(command):
        return "allow"
    return rule


def event_of(request: ApprovalRequest) -> Event:
    """Return the event that shows a request to the user."""
    if request.is_question:
        return Question(request.call_id, "request_user_input", questions_of(request))
    kind = KINDS[request.method]
    tool = request.tool
    if tool is None:
        tool = _tool_without_item(request)
    subjects = [tool.arguments.get(key) for key in ("command", "file_path")]
    reason = request.params.get("reason") or request.params.get("message")
    patterns = [text for text in (*subjects, reason) if isinstance(text, str) and text]
    return PermissionRequest(request.call_id, tool.name, kind, patterns, tool.arguments)


def withdrawn(request: ApprovalRequest) -> Event:
    """Return the event for a request that the agent has withdrawn."""
    if request.is_question:
        return QuestionResolved(request.call_id, "withdrawn")
    return PermissionResolved(request.call_id, "deny", "withdrawn")


def questions_of(request: ApprovalRequest) -> list[QuestionItem]:
    """Return the questions of a form, without malformed ones."""
    rows = request.params.get("questions")
    return [
        QuestionItem(str(row["question"]), str(row.get("header") or ""), _options(row))
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, Mapping) and row.get("question")
    ]


def answer_result(request: ApprovalRequest, answer: TurnAnswer) -> dict[str, Any]:
    """Return the JSON-RPC result that carries an answer."""
    if request.is_question:
        return _answers(request, answer.answers if isinstance(answer, QuestionAnswer) else {})
    return approval_result(request, allow=isinstance(answer, PermissionAnswer) and answer.allow)


def declined_result(request: ApprovalRequest) -> dict[str, Any]:
    """Return the JSON-RPC result that declines a request."""
    return _answers(request, {}) if request.is_question else approval_result(request, allow=False)


def approval_result(request: ApprovalRequest, *, allow: bool) -> dict[str, Any]:
    """Return the result that allows or declines; a declined call does not end the turn."""
    if request.method == PERMISSIONS:
        requested = request.params.get("permissions")
        granted = requested if allow and isinstance(requested, Mapping) else {}
        return {"permissions": {k: v for k, v in granted.items() if v}, "scope": "turn"}
    if request.method == FORM:
        # a form without fields is a yes or no; one with fields cannot be filled in here
        allow = allow and not _fields(request)
        return {"action": "accept" if allow else "decline", "content": {} if allow else None}
    return {"decision": "accept" if allow else "decline"}


def plan_event(call_id: str, plan: str) -> PlanReview:
    """Return the review event of a plan; its first line is the title."""
    lines = [line.strip("# ").strip() for line in plan.splitlines() if line.strip("# ")]
    return PlanReview(call_id, (lines[0] if lines else "Plan")[:TITLE_LENGTH], plan)


def _answers(request: ApprovalRequest, answers: Mapping[str, str]) -> dict[str, Any]:
    rows = request.params.get("questions")
    answer_rows = {
        str(row.get("id")): {"answers": [answers[str(row["question"])]]}
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, Mapping) and str(row.get("question")) in answers
    }
    return {"answers": answer_rows}


def _tool_without_item(request: ApprovalRequest) -> Tool:
    """Return the tool call of a request that has no item."""
    if request.method == COMMAND:
        command = shell_command(request.params.get("command") or "")
        return Tool(request.call_id, "bash", {"command": command})
    if request.method == FORM:
        message = str(request.params.get("message") or "")
        return Tool(
            request.call_id, f"mcp__{request.params.get('serverName')}", {"message": message}
        )
    return Tool(request.call_id, "edit" if request.method == FILES else "permissions")


def _fields(request: ApprovalRequest) -> bool:
    schema = request.params.get("requestedSchema")
    return request.params.get("mode") != "form" or bool(
        schema.get("properties") if isinstance(schema, Mapping) else True
    )


def _options(row: Mapping[str, Any]) -> list[QuestionOption]:
    options = row.get("options")
    return [
        QuestionOption(str(option["label"]), str(option.get("description") or ""))
        for option in (options if isinstance(options, list) else [])
        if isinstance(option, Mapping) and option.get("label")
    ]
