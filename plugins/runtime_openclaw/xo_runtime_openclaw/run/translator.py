"""Translate the gateway's events of one run. Pure: no clock, no I/O.

Accepts duplicate, unordered, unknown and malformed events.
"""

from collections.abc import Iterator
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from xo_cowork_core.sdk import (
    AgentFailure,
    Compacted,
    CompactionStart,
    Done,
    Event,
    Json,
    ModelLoading,
    ReasoningDelta,
    ToolCall,
    ToolError,
    ToolResult,
)
from xo_cowork_core.sdk.events.base import FinishReason
from xo_cowork_core.sdk.kit import StepCounter
from xo_runtime_openclaw.gateway.frames import EMPTY, GatewayEvent, Row, row, rows, text_of
from xo_runtime_openclaw.run import tools
from xo_runtime_openclaw.run.approvals import (
    ApprovalRequest,
    ApprovalResolved,
    read_approval_request,
)
from xo_runtime_openclaw.run.failures import observed, run_failure
from xo_runtime_openclaw.run.segment_reconciler import SegmentReconciler
from xo_runtime_openclaw.run.usage import REASONS, cost_of, tokens_of

PHASES = MappingProxyType(
    {
        "preparing_workspace": "Preparing the workspace",
        "preparing_context": "Preparing the context",
        "starting_model": "Starting the model",
    }
)


class RunEnded(NamedTuple):
    """The run has ended; `final` is None when the gateway did not run the prompt."""

    final: Done | AgentFailure | None


Item: TypeAlias = Event | ApprovalRequest | ApprovalResolved | RunEnded


class Translator:
    """Translates one run's events.

    `failing` is why the last model call failed while the gateway retries; `progress` counts visible
    progress.
    """

    def __init__(self) -> None:
        self.text = SegmentReconciler()
        self.steps = StepCounter()
        self.interrupted = False
        self.has_missed_events = False  # some events of the run are missing
        self.failing: AgentFailure | None = None
        self.progress = 0
        self._tools: dict[str, tuple[str, Row]] = {}
        self._called: set[str] = set()
        self._counted: set[str] = set()  # transcript records whose usage is counted
        self._reasoning = ""
        self._last_seq = -1
        self._model: str | None = None
        self._provider: str | None = None
        self._error: AgentFailure | None = None

    @property
    def tools_running(self) -> bool:
        """True while a tool call has not ended."""
        return bool(self._tools)

    @property
    def may_have_called_tool(self) -> bool:
        """True when a tool was called, or events are missing."""
        return self.has_missed_events or bool(self._called)

    def items(self, event: GatewayEvent) -> Iterator[Item]:
        """Yield the items of one event."""
        payload = event.payload
        match event.event:
            case "agent":
                yield from self._agent(payload)
            case "session.tool":
                # the name of tool events on a connection that did not start the run
                yield from self._agent({"stream": "tool", **payload})
            case "chat":
                yield from self._chat(payload)
            case "session.message":
                yield from self._transcript_record(row(payload.get("message")))
            case "exec.approval.requested":
                if request := read_approval_request(payload):
                    self.progress += 1
                    yield request
            case "exec.approval.resolved":
                self.progress += 1
                yield ApprovalResolved(str(payload.get("id")))

    def done(self, reason: FinishReason) -> RunEnded:
        """Return a successful end with the usage."""
        steps = self.steps
        return RunEnded(Done(reason, steps.tokens, steps.cost, self._model, self._provider))

    def _agent(self, payload: Row) -> Iterator[Item]:
        seq = payload.get("seq")
        if isinstance(seq, int):
            if seq <= self._last_seq:
                return
            self._last_seq = seq
        data = row(payload.get("data"))
        match payload.get("stream"):
            case "assistant":
                yield from self._assistant(data)
            case "tool":
                yield from self._tool(data)
            case "item":
                yield from self._item(data)
            case "lifecycle":
                yield from self._lifecycle(data)
            case "thinking":
                yield from self._thinking(text_of(data.get("text")))
            case "compaction":
                ended = text_of(data.get("phase")) in {"end", "complete", "done"}
                yield Compacted() if ended else CompactionStart()

    def _assistant(self, data: Row) -> Iterator[Item]:
        text, item_id = text_of(data.get("text")), text_of(data.get("itemId"))
        if data.get("replace") is True:
            yield from self.text.replace(text)
        elif text:
            self._note_progress()
            yield from self.text.update(text, item_id)

    def _thinking(self, text: str) -> Iterator[Item]:
        if text.startswith(self._reasoning):
            rest, self._reasoning = text[len(self._reasoning) :], text
            if rest:
                self._note_progress()
                yield ReasoningDelta(rest)
        else:
            self._reasoning = text
            yield ReasoningDelta(text)

    def _item(self, data: Row) -> Iterator[Item]:
        if data.get("kind") == "preamble" and (text := text_of(data.get("progressText"))):
            self._note_progress()
            yield from self.text.confirm(text)

    def _tool(self, data: Row) -> Iterator[Item]:
        call_id, name = str(data.get("toolCallId")), text_of(data.get("name")) or "tool"
        self.progress += 1
        self.failing = None
        match data.get("phase"):
            case "start" if call_id not in self._called:
                self._called.add(call_id)
                self.text.close()
                self._reasoning = ""
                arguments = tools.normal_arguments(name, row(data.get("args")))
                self._tools[call_id] = (name, arguments)
                title = tools.title_of(name, arguments)
                yield ToolCall(call_id, tools.normal_name(name), arguments, title)
            case "result" if call_id in self._tools:
                name, arguments = self._tools.pop(call_id)
                yield self._result(call_id, name, arguments, data)

    def _result(self, call_id: str, name: str, arguments: Json, data: Row) -> Event:
        result = data.get("result")
        output, tool = tools.output_of(result), tools.normal_name(name)
        if data.get("isError") is True:
            return ToolError(call_id, tool, output, output or "The tool failed")
        details = row(row(result).get("details")) if isinstance(result, dict) else EMPTY
        metadata = tools.metadata_of(name, arguments, details)
        return ToolResult(call_id, tool, output, tools.title_of(name, arguments), metadata)

    def _lifecycle(self, data: Row) -> Iterator[Item]:
        match data.get("phase"):
            case "model" if data.get("provider"):
                self._provider, self._model = text_of(data["provider"]), text_of(data.get("model"))
                yield from self.steps.start()
            case "finishing":
                self.failing = observed(data) if data.get("error") else None
                if self.failing:
                    yield from self.steps.close(failed=True)
            case "error" if not data.get("aborted"):
                self._error = observed(data)

    def _chat(self, payload: Row) -> Iterator[Item]:
        match payload.get("state"):
            case "status":
                yield from self._status(text_of(payload.get("phase")))
            case "final" if self._is_skipped(payload):
                yield RunEnded(None)
            case "final":
                yield from self.text.finish(message_text(row(payload.get("message"))))
                length = text_of(payload.get("stopReason")) in {"length", "max_tokens"}
                yield self.done("length" if length else "stop")
            case "error":
                yield from self.steps.close(failed=True)
                detail, kind = row(payload.get("errorDetail")), text_of(payload.get("errorKind"))
                yield RunEnded(run_failure(text_of(payload.get("errorMessage")), detail, kind))
            case "aborted":
                yield from self.steps.close(failed=True)
                # an empty answer is reported as aborted too; the `lifecycle` event holds the reason
                failed = self._error and not self.interrupted
                yield RunEnded(self._error) if self._error and failed else self.done("aborted")

    def _is_skipped(self, payload: Row) -> bool:
        """Return whether this end is that of a prompt that came while the gateway was about to
        continue an interrupted run of the session: it has neither a message nor a reason."""
        has_result = "message" in payload or "stopReason" in payload
        return not has_result and self._last_seq < 0 and not self.has_missed_events

    def _status(self, phase: str) -> Iterator[Item]:
        if self.failing and phase == "starting_model":
            yield ModelLoading(f"{self.failing.message} Trying again.")
        elif self.text.is_empty and not self._tools and phase in PHASES:
            yield ModelLoading(PHASES[phase])

    def _transcript_record(self, message: Row) -> Iterator[Item]:
        """Take the usage of an assistant's record; one without usage is no model call."""
        usage = row(message.get("usage"))
        record_id = str(row(message.get("__openclaw")).get("id") or message.get("responseId"))
        if message.get("role") != "assistant" or not usage or record_id in self._counted:
            return
        self._counted.add(record_id)
        reason = REASONS.get(str(message.get("stopReason")), "stop")
        yield from self.steps.finish(reason, tokens_of(usage), cost_of(usage))

    def _note_progress(self) -> None:
        # while calls fail, the same text is repeated
        if self.failing is None:
            self.progress += 1


def message_text(message: Row) -> str:
    """Return the text of a message of the gateway."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    texts = [text_of(block.get("text")) for block in rows(content) if block.get("type") == "text"]
    return "\n\n".join(text for text in texts if text)
