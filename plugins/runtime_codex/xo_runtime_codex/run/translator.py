"""Translate the server's records of one turn to events. Pure: no clock, no I/O.

Accepts records in any order, and ignores malformed ones.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from xo_cowork_core.sdk import (
    AgentFailure,
    Compacted,
    CompactionStart,
    Event,
    ModelLoading,
    ReasoningDelta,
    TextDelta,
    Tokens,
)
from xo_cowork_core.sdk.events.base import StepReason
from xo_cowork_core.sdk.kit import StepCounter, TextReconciler
from xo_runtime_codex.protocol.failures import message_of, turn_failure
from xo_runtime_codex.protocol.tools import Tool, todo_tool, tool_of
from xo_runtime_codex.protocol.usage import tokens_of
from xo_runtime_codex.run.approvals import ApprovalRequest, is_approval_request
from xo_runtime_codex.server.thread_queue import Record

Body: TypeAlias = Mapping[str, Any]


class RequestResolved(NamedTuple):
    """The server no longer waits for the answer to its request."""

    request_id: object


class UnsupportedRequest(NamedTuple):
    """A server request of a kind that this plugin does not serve."""

    record: Record


class TurnEnded(NamedTuple):
    """The turn has ended: `completed`, `interrupted`, or `failed` with a failure."""

    status: str
    failure: AgentFailure | None = None


Item: TypeAlias = Event | ApprovalRequest | RequestResolved | UnsupportedRequest | TurnEnded


class Translator:
    """Translates one turn of the host. A plan makes several Codex turns of it, one after another.

    `turn_id` is the running Codex turn; `retrying` the reason of a retry; `progress` counts the
    records that show progress; `called_tool` is set when the model has requested a tool.
    """

    def __init__(self) -> None:
        self.turn_id = ""
        self.plan = ""
        self.plan_id = ""
        self.model = ""
        self.retrying = ""
        self.progress = 0
        self.called_tool = False
        self._text = TextReconciler()
        self._steps = StepCounter()
        self._step_has_tool = False
        self._running: dict[str, Tool] = {}
        self._plan_count = 0

    @property
    def tokens(self) -> Tokens | None:
        """The sum over the turn's model calls."""
        return self._steps.tokens

    @property
    def tools_running(self) -> bool:
        """True while a tool call has not ended."""
        return bool(self._running)

    def items(self, records: Iterable[Record]) -> Iterator[Item]:
        """Yield the items of records, in order."""
        for record in records:
            params = record.get("params")
            body = params if isinstance(params, Mapping) else {}
            if "id" in record:
                yield from self._request_items(record, body)
            elif record.get("method") == "serverRequest/resolved":
                yield RequestResolved(body.get("requestId"))
            elif self._is_of_turn(body):
                yield from self._notification_items(str(record.get("method")), body)
        self._text.compact()

    def _is_of_turn(self, body: Body) -> bool:
        turn = body.get("turn")
        turn_id = body.get("turnId") or (turn.get("id") if isinstance(turn, Mapping) else None)
        return bool(self.turn_id) and turn_id == self.turn_id

    def _notification_items(self, method: str, body: Body) -> Iterator[Item]:
        if method == "error":
            yield from self._error(body)
            return
        self.progress += 1
        self.retrying = ""
        item = body.get("item")
        delta = _delta_of(method, body)
        if delta:
            yield from self._steps.ensure_started()
            if delta.text:
                self._text.add(delta, str(body.get("itemId")))
                yield delta
            return
        match method:
            case "item/started" if isinstance(item, Mapping):
                yield from self._started(item)
            case "item/completed" if isinstance(item, Mapping):
                yield from self._completed(item)
            case "thread/tokenUsage/updated":
                usage = body.get("tokenUsage")
                last = usage.get("last") if isinstance(usage, Mapping) else None
                yield from self._steps.ensure_started()
                reason: StepReason = "tool_use" if self._step_has_tool else "stop"
                self._step_has_tool = False
                yield from self._steps.finish(reason, tokens_of(last))
            case "turn/plan/updated":
                yield from self._plan_tool_items(body)
            case "model/rerouted":
                self.model = str(body.get("toModel") or self.model)
            case "turn/completed":
                yield from self._end(body)

    def _started(self, item: Body) -> Iterator[Item]:
        if item.get("type") == "contextCompaction":
            yield CompactionStart()
        tool = tool_of(item)
        if tool and tool.call_id not in self._running:
            yield from self._steps.ensure_started()
            self._step_has_tool = True
            self.called_tool = True
            self._running[tool.call_id] = tool
            yield tool.call

    def _completed(self, item: Body) -> Iterator[Item]:
        item_id = str(item.get("id"))
        match item.get("type"):
            case "agentMessage":
                yield from self._steps.ensure_started()
                text = str(item.get("text") or "")
                yield from self._text.confirm(TextDelta(text), item_id)
            case "reasoning":
                yield from self._steps.ensure_started()
                yield from self._text.confirm(ReasoningDelta(reasoning_text(item)), item_id)
            case "plan":
                self.plan, self.plan_id = str(item.get("text") or ""), item_id
            case "contextCompaction":
                yield Compacted()
            case _:
                yield from self._tool_ended(item_id, item)

    def _tool_ended(self, item_id: str, item: Body) -> Iterator[Item]:
        tool = tool_of(item)
        if tool is None:
            return
        if item_id not in self._running:
            yield from self._started(item)
        del self._running[item_id]
        yield tool.end

    def _plan_tool_items(self, body: Body) -> Iterator[Item]:
        self._plan_count += 1
        tool = todo_tool(f"plan-{self.turn_id}-{self._plan_count}", body.get("plan"))
        yield from self._steps.ensure_started()
        self._step_has_tool = True
        yield tool.call
        yield tool.end

    def _request_items(self, record: Record, body: Body) -> Iterator[Item]:
        self.progress += 1
        if not is_approval_request(record):
            yield UnsupportedRequest(record)
            return
        yield from self._steps.ensure_started()
        self._step_has_tool = True
        self.called_tool = True
        item_id = str(body.get("itemId") or f"ask-{record.get('id')}")
        call_id = str(body.get("approvalId") or item_id)
        yield ApprovalRequest(record, call_id, self._running.get(item_id))

    def _error(self, body: Body) -> Iterator[Item]:
        error = body.get("error")
        if not body.get("willRetry") or not isinstance(error, Mapping):
            return  # `turn/completed` carries the error too
        yield from self._text.retract("The model's answer was interrupted and starts again")
        self._step_has_tool = False
        yield from self._steps.close(failed=True)
        details = str(error.get("additionalDetails") or "")
        label = message_of(error)
        if label != self.retrying:
            yield ModelLoading(label)
        self.retrying = f"{label} {details}".strip()

    def _end(self, body: Body) -> Iterator[Item]:
        turn = body.get("turn")
        turn = turn if isinstance(turn, Mapping) else {}
        status = str(turn.get("status"))
        self._step_has_tool = False
        yield from self._steps.close(failed=status != "completed")
        failure = turn_failure(turn.get("error")) if status == "failed" else None
        yield TurnEnded(status, failure)


def reasoning_text(item: Body) -> str:
    """Return the text of a reasoning item: the summary, else the raw reasoning."""
    for key in ("summary", "content"):
        parts = item.get(key)
        texts = [part for part in parts if isinstance(part, str)] if isinstance(parts, list) else []
        if texts:
            return "\n\n".join(texts)
    return ""


def _delta_of(method: str, body: Body) -> TextDelta | ReasoningDelta | None:
    """Return a delta notification's event. A new summary part starts a paragraph."""
    delta = str(body.get("delta") or "")
    match method:
        case "item/agentMessage/delta":
            return TextDelta(delta)
        case "item/reasoning/summaryTextDelta" | "item/reasoning/textDelta":
            return ReasoningDelta(delta)
        case "item/reasoning/summaryPartAdded" if body.get("summaryIndex"):
            return ReasoningDelta("\n\n")
    return None
