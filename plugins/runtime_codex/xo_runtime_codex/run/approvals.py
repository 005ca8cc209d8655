"""Permissions, questions and plans: the server's requests as events, answers as results."""

from collections.abc import Mapping
from dataclasses import dataclass
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
from xo_runtime_codex.protocol.tools import Tool, shell_command
from xo_runtime_codex.run.readonly_commands import only_reads
from xo_runtime_codex.server.thread_queue import Record

COMMAND = "item/commandExecution/requestApproval"
FILES = "item/fileChange/requestApproval"
MORE = "item/permissions/requestApproval"
QUESTION = "item/tool/requestUserInput"
FORM = "mcpServer/elicitation/request"
KINDS: dict[str, PermissionKind] = {
    COMMAND: "run_commands",
    FILES: "file_changes",
    MORE: "other",
    FORM: "other",
}
TITLE_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of the server for a word of the user. `tool` is the call it is about."""

    record: Record
    call_id: str
    tool: Tool | None = None

    @property
    def method(self) -> str:
        return str(self.record.get("method"))

    @property
    def params(self) -> Mapping[str, Any]:
        found = self.record.get("params")
        return found if isinstance(found, Mapping) else {}

    @property
    def is_question(self) -> bool:
        return self.method == QUESTION


def is_ask(record: Record) -> bool:
    """Tell whether a request is one that a person may answer."""
    method = record.get("method")
    return isinstance(method, str) and (method == QUESTION or method in KINDS)


def rule_for(ask: Ask, permissions: Permissions) -> PermissionRule:
    """Say what happens with a request. Questions are always put, mere looks never."""
    if ask.is_question:
        return "ask"
    rule = permissions.rule(KINDS[ask.method])
    looks = ask.method == COMMAND and only_reads(shell_command(ask.params.get("command") or ""))
    return "allow" if rule == "ask" and looks else rule


def event_of(ask: Ask) -> Event:
    """Turn a request into the event that puts it to the user."""
    if ask.is_question:
        return Question(ask.call_id, "request_user_input", questions_of(ask))
    kind = KINDS[ask.method]
    tool = ask.tool
    if tool is None:
        tool = _unannounced(ask)
    found = [tool.arguments.get(key) for key in ("command", "file_path")]
    reason = ask.params.get("reason") or ask.params.get("message")
    patterns = [text for text in (*found, reason) if isinstance(text, str) and text]
    return PermissionRequest(ask.call_id, tool.name, kind, patterns, tool.arguments)


def withdrawn(ask: Ask) -> Event:
    """Tell that the agent no longer asks."""
    if ask.is_question:
        return QuestionResolved(ask.call_id, "withdrawn")
    return PermissionResolved(ask.call_id, "deny", "withdrawn")


def questions_of(ask: Ask) -> list[QuestionItem]:
    """Read a question form; malformed parts are left out."""
    rows = ask.params.get("questions")
    return [
        QuestionItem(str(row["question"]), str(row.get("header") or ""), _options(row))
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, Mapping) and row.get("question")
    ]


def result_of(ask: Ask, answer: TurnAnswer) -> dict[str, Any]:
    """Build the result that carries an answer."""
    if ask.is_question:
        return _answers(ask, answer.answers if isinstance(answer, QuestionAnswer) else {})
    return decision(ask, allow=isinstance(answer, PermissionAnswer) and answer.allow)


def refusal(ask: Ask) -> dict[str, Any]:
    """Build the result that says no, or nothing."""
    return _answers(ask, {}) if ask.is_question else decision(ask, allow=False)


def decision(ask: Ask, *, allow: bool) -> dict[str, Any]:
    """Grant or refuse. A refused call ends as `declined`, and the turn goes on."""
    if ask.method == MORE:
        wanted = ask.params.get("permissions")
        given = wanted if allow and isinstance(wanted, Mapping) else {}
        return {"permissions": {k: v for k, v in given.items() if v}, "scope": "turn"}
    if ask.method == FORM:
        # only a form without fields, which is a plain yes or no, can be accepted
        allow = allow and not _fields(ask)
        return {"action": "accept" if allow else "decline", "content": {} if allow else None}
    return {"decision": "accept" if allow else "decline"}


def plan_event(call_id: str, plan: str) -> PlanReview:
    """Show a plan; its first line is its title."""
    lines = [line.strip("# ").strip() for line in plan.splitlines() if line.strip("# ")]
    return PlanReview(call_id, (lines[0] if lines else "Plan")[:TITLE_LENGTH], plan)


def _answers(ask: Ask, answers: Mapping[str, str]) -> dict[str, Any]:
    rows = ask.params.get("questions")
    given = {
        str(row.get("id")): {"answers": [answers[str(row["question"])]]}
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, Mapping) and str(row.get("question")) in answers
    }
    return {"answers": given}


def _unannounced(ask: Ask) -> Tool:
    """Make a call of a request that no item told of."""
    if ask.method == COMMAND:
        command = shell_command(ask.params.get("command") or "")
        return Tool(ask.call_id, "bash", {"command": command})
    if ask.method == FORM:
        message = str(ask.params.get("message") or "")
        return Tool(ask.call_id, f"mcp__{ask.params.get('serverName')}", {"message": message})
    return Tool(ask.call_id, "edit" if ask.method == FILES else "permissions")


def _fields(ask: Ask) -> bool:
    schema = ask.params.get("requestedSchema")
    return ask.params.get("mode") != "form" or bool(
        schema.get("properties") if isinstance(schema, Mapping) else True
    )


def _options(row: Mapping[str, Any]) -> list[QuestionOption]:
    options = row.get("options")
    return [
        QuestionOption(str(option["label"]), str(option.get("description") or ""))
        for option in (options if isinstance(options, list) else [])
        if isinstance(option, Mapping) and option.get("label")
    ]
