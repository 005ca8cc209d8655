"""Translates the CLI's stdout of one turn to events. Pure: no clock, no I/O.

Accepts lines in any order, and ignores malformed ones.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from xo_cowork_core.sdk import (
    AgentFailure,
    Compacted,
    CompactionStart,
    Done,
    Event,
    ModelLoading,
    TextDelta,
)
from xo_cowork_core.sdk.events.base import FinishReason, StepReason
from xo_cowork_core.sdk.kit import StepCounter, TextReconciler
from xo_runtime_claude.run.approvals import ApprovalRequest
from xo_runtime_claude.run.background import BackgroundWork
from xo_runtime_claude.run.blocks import TEXT, ContentBlocks
from xo_runtime_claude.run.failures import result_failure
from xo_runtime_claude.run.lines import fast_text, parse
from xo_runtime_claude.usage import UsageMeter, call_tokens


class RequestCancelled(NamedTuple):
    """The CLI withdrew one of its requests."""

    request_id: str


class UnsupportedRequest(NamedTuple):
    """A control request of a kind that this plugin doesn't serve."""

    request_id: str


class TurnEnd(NamedTuple):
    """The end of a turn. `session_mismatch`: the CLI does not have the session to resume."""

    final: Done | AgentFailure
    session_mismatch: bool


Item: TypeAlias = Event | ApprovalRequest | RequestCancelled | UnsupportedRequest | TurnEnd
STEP_REASONS: Mapping[str, StepReason] = MappingProxyType(
    {"tool_use": "tool_use", "max_tokens": "length", "model_context_window_exceeded": "length"}
)
RESTARTED = "The model's answer was cut and starts again"
ALIVE_STATES = frozenset({"queued", "started"})
NO_CONVERSATION = "No conversation found"


class Translator:
    """Translates the records of one turn.

    `waits` is true for a process that had turns before: records until this turn's prompt has
    started then belong to work that the process did by itself. The state of the process that the
    records report is in `answered_initialize`, `initialised`, `reports_lifecycle`, `mode` (its
    permission mode) and `session_id`; `interrupted` is set by the run.
    """

    def __init__(self, prompt_id: str, meter: UsageMeter, *, waits: bool = False) -> None:
        self.answered_initialize = False
        self.initialised = False
        self.interrupted = False
        self.reports_lifecycle = False
        self.mode = ""
        self.session_id = ""
        self._prompt_id = prompt_id
        self._meter = meter
        self._is_ours = not waits
        self._has_ended = False
        self._texts = TextReconciler()
        self._record_delta = self._texts.appender(TextDelta, TEXT)
        self._steps = StepCounter()
        self._blocks = ContentBlocks(self._texts)
        self.background = BackgroundWork()
        self._model: str | None = None
        self._error_kind = ""

    @property
    def tools_running(self) -> bool:
        """Whether a tool call has no result yet."""
        return self._blocks.has_open_calls

    def items(self, lines: Iterable[bytes]) -> Iterator[Item]:
        """Translate lines, in the order of `lines`, up to the turn's end."""
        record_delta = self._record_delta
        for line in lines:
            text = fast_text(line)
            if text is None:
                record = parse(line)
                if record:
                    yield from self._record(record)
                    record_delta = self._record_delta = self._texts.appender(TextDelta, TEXT)
            elif text and self._is_ours:
                record_delta(text)
                yield TextDelta(text)
            if self._has_ended:
                return
        self._texts.compact()

    def settle(self, finish: FinishReason = "stop") -> TurnEnd:
        """End a turn that waited for subagents, with the figures so far."""
        held = self.background.held or Done(finish)
        return self._end(replace(held, finish_reason=finish))

    def _record(self, record: Mapping[str, Any]) -> Iterator[Item]:
        match record.get("type"):
            case "control_request":
                yield from self._control_request(record)
            case "control_cancel_request":
                yield RequestCancelled(str(record.get("request_id")))
            case "control_response":
                self.answered_initialize = True
                if self.interrupted and self.background.is_idle:
                    # only subagents ran: no `result` reports the interrupt
                    yield self.settle("aborted")
            case "command_lifecycle":
                yield from self._lifecycle(record)
            case "system":
                yield from self._system(record)
            case "result":
                yield from self._result(record)
            case kind if self._is_ours and record.get("parent_tool_use_id") is None:
                yield from self._content(str(kind), record)

    def _content(self, kind: str, record: Mapping[str, Any]) -> Iterator[Item]:
        body = record.get("event" if kind == "stream_event" else "message")
        if not isinstance(body, Mapping):
            return
        if kind == "stream_event":
            yield from self._stream(body)
        elif kind == "assistant":
            if record.get("is_api_error_message") or record.get("error"):
                self._error_kind = str(record.get("error") or "")
                yield from self._texts.retract("The model's answer broke off")
            else:
                yield from self._blocks.assistant(body)
        elif kind == "user":
            yield from self._blocks.results(body, record.get("tool_use_result"))

    def _stream(self, event: Mapping[str, Any]) -> Iterator[Item]:
        match event.get("type"):
            case "content_block_delta":
                yield from self._blocks.delta(event.get("delta"))
            case "message_start":
                yield from self._texts.retract(RESTARTED)
                message = event.get("message")
                model = message.get("model") if isinstance(message, Mapping) else None
                self._model = model if isinstance(model, str) else self._model
                yield from self._steps.start()
            case "message_delta":
                yield from self._finish_step(event)

    def _finish_step(self, event: Mapping[str, Any]) -> Iterator[Item]:
        delta = event.get("delta")
        reason = delta.get("stop_reason") if isinstance(delta, Mapping) else None
        if reason:
            tokens = call_tokens(event.get("usage"))
            yield from self._steps.finish(STEP_REASONS.get(str(reason), "stop"), tokens)

    def _control_request(self, record: Mapping[str, Any]) -> Iterator[Item]:
        request, request_id = record.get("request"), str(record.get("request_id"))
        if not isinstance(request, Mapping) or request.get("subtype") != "can_use_tool":
            yield UnsupportedRequest(request_id)
            return
        arguments = request.get("input")
        call_id = str(request.get("tool_use_id") or request_id)
        yield ApprovalRequest(
            request_id=request_id,
            call_id=call_id,
            tool=str(request.get("tool_name")),
            arguments=arguments if isinstance(arguments, Mapping) else {},
            blocked_path=str(request.get("blocked_path") or ""),
            plan=self._blocks.find_plan(call_id, arguments),
        )

    def _lifecycle(self, record: Mapping[str, Any]) -> Iterator[Item]:
        if record.get("command_uuid") != self._prompt_id or self.background.held:
            return
        self.reports_lifecycle = True
        state = record.get("state")
        self._is_ours = state == "started"
        if state not in ALIVE_STATES:
            # the prompt was taken out of the queue: there will be no result
            yield self._end(Done("aborted"))

    def _system(self, record: Mapping[str, Any]) -> Iterator[Item]:
        subtype, mode = record.get("subtype"), record.get("permissionMode")
        self.background.note_system(record)
        if isinstance(mode, str):
            self.mode = mode
        if subtype == "init":
            self.initialised = True
            self.session_id = str(record.get("session_id") or "")
            self._model = record.get("model") or self._model
        elif not self._is_ours:
            return
        elif subtype == "api_retry":
            yield from self._texts.retract(RESTARTED)
            status = record.get("error_status") or record.get("error") or "connection"
            count = f"{record.get('attempt')} of {record.get('max_retries')}"
            yield ModelLoading(f"Retrying, attempt {count} ({status})")
        elif subtype == "status" and record.get("status") == "compacting":
            yield CompactionStart()
        elif subtype == "compact_boundary":
            yield Compacted()

    def _result(self, result: Mapping[str, Any]) -> Iterator[Item]:
        tokens, cost = self._meter.measure_turn(result)
        origin = result.get("origin")
        by_itself = isinstance(origin, Mapping) and origin.get("kind") == "task-notification"
        if not self._is_ours or (
            by_itself and not self.reports_lifecycle and not self.background.held
        ):
            return
        reason = str(result.get("terminal_reason") or "")
        aborted = reason.startswith("aborted") or self.interrupted
        failed = bool(result.get("is_error")) and not aborted
        yield from self._steps.close(failed=failed or aborted)
        if failed:
            text = " ".join(str(error) for error in result.get("errors") or ())
            yield from self._texts.retract("The turn failed")
            yield self._end(result_failure(result, self._error_kind), NO_CONVERSATION in text)
            return
        whole = result.get("result")
        if isinstance(whole, str) and whole and not self._texts.has_text and not aborted:
            yield TextDelta(whole)
        finish: FinishReason = "length" if result.get("stop_reason") == "max_tokens" else "stop"
        finish = "aborted" if aborted else finish
        done = self.background.add_answer(Done(finish, tokens, cost, self._model, "anthropic"))
        if self.background.agents and not aborted:
            self.background.hold(done)
            yield ModelLoading("Waiting for subagents")
            return
        yield self._end(done)

    def _end(self, final: Done | AgentFailure, session_mismatch: bool = False) -> TurnEnd:
        self._has_ended = True
        return TurnEnd(final, session_mismatch)
