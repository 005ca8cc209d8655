"""The records of one turn, translated to events. Pure: no clock, no I/O.

Takes the CLI's stdout lines as they come, in any order, with any garbage between them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from xo_cowork_core.sdk import (
    AgentFailure,
    Compacted,
    CompactionStart,
    Done,
    Event,
    FinishReason,
    ModelLoading,
    TextDelta,
)
from xo_runtime_claude.approvals import Ask
from xo_runtime_claude.background import Background
from xo_runtime_claude.blocks import Blocks
from xo_runtime_claude.failures import result_failure
from xo_runtime_claude.lines import parse, quick_text
from xo_runtime_claude.steps import StepCounter
from xo_runtime_claude.text_reconciler import TextReconciler
from xo_runtime_claude.usage import Meter


@dataclass(frozen=True, slots=True)
class RequestCancelled:
    """The CLI takes a request back."""

    request_id: str


@dataclass(frozen=True, slots=True)
class UnsupportedRequest:
    """A control request of a kind that this host doesn't serve."""

    request_id: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The turn is over. `wrong_session` is a start that has to be tried the other way."""

    final: Done | AgentFailure
    wrong_session: bool = False


Item: TypeAlias = Event | Ask | RequestCancelled | UnsupportedRequest | Ended
ALIVE_STATES = frozenset({"queued", "started"})
NO_CONVERSATION = "No conversation found"


class Translator:
    """One turn's records.

    `waits`: the process has had turns before, so records until ours has started belong to work
    that it did by itself in the background.
    """

    def __init__(self, prompt_id: str, meter: Meter, *, waits: bool = False) -> None:
        self.ready = False
        self.initialised = False
        self.interrupted = False
        self.lifecycle = False
        self.mode = ""
        self.session_id = ""
        self._prompt_id = prompt_id
        self._meter = meter
        self._ours = not waits
        self._ended = False
        self._said = TextReconciler()
        self._steps = StepCounter()
        self._blocks = Blocks(self._said)
        self.background = Background()
        self._model: str | None = None
        self._error_kind = ""

    @property
    def tools_running(self) -> bool:
        """Say whether a tool was called and hasn't answered."""
        return self._blocks.open

    def items(self, lines: Iterable[bytes]) -> Iterator[Item]:
        """Translate lines; stops after the turn's end."""
        keep = self._said.text.append
        for line in lines:
            text = quick_text(line)
            if text is None:
                record = parse(line)
                if record:
                    yield from self._record(record)
            elif text and self._ours:
                keep(text)
                yield TextDelta(text)
            if self._ended:
                return
        self._said.fold()

    def settle(self, finish: FinishReason = "stop") -> Ended:
        """End a turn that waited for subagents, with the figures that there are."""
        held = self.background.held or Done(finish)
        return self._end(replace(held, finish_reason=finish))

    def _record(self, record: Mapping[str, Any]) -> Iterator[Item]:
        match record.get("type"):
            case "control_request":
                yield from self._asked(record)
            case "control_cancel_request":
                yield RequestCancelled(str(record.get("request_id")))
            case "control_response":
                self.ready = True
                if self.interrupted and self.background.idle:
                    # nothing but subagents ran: no `result` tells of the interrupt
                    yield self.settle("aborted")
            case "command_lifecycle":
                yield from self._lifecycle(record)
            case "system":
                yield from self._system(record)
            case "result":
                yield from self._result(record)
            case kind if self._ours and record.get("parent_tool_use_id") is None:
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
                yield from self._said.retract("The model's answer broke off")
            else:
                yield from self._blocks.assistant(body)
        elif kind == "user":
            yield from self._blocks.results(body, record.get("tool_use_result"))

    def _stream(self, event: Mapping[str, Any]) -> Iterator[Item]:
        match event.get("type"):
            case "content_block_delta":
                yield from self._blocks.delta(event.get("delta"))
            case "message_start":
                yield from self._said.retract("The model's answer was cut and starts again")
                message = event.get("message")
                model = message.get("model") if isinstance(message, Mapping) else None
                self._model = model if isinstance(model, str) else self._model
                yield from self._steps.start()
            case "message_delta":
                yield from self._steps.finish(event)

    def _asked(self, record: Mapping[str, Any]) -> Iterator[Item]:
        request, request_id = record.get("request"), str(record.get("request_id"))
        if not isinstance(request, Mapping) or request.get("subtype") != "can_use_tool":
            yield UnsupportedRequest(request_id)
            return
        arguments = request.get("input")
        call_id = str(request.get("tool_use_id") or request_id)
        yield Ask(
            request_id=request_id,
            call_id=call_id,
            tool=str(request.get("tool_name")),
            arguments=arguments if isinstance(arguments, Mapping) else {},
            blocked=str(request.get("blocked_path") or ""),
            plan=self._blocks.plan(call_id, arguments),
        )

    def _lifecycle(self, record: Mapping[str, Any]) -> Iterator[Item]:
        if record.get("command_uuid") != self._prompt_id or self.background.held:
            return
        self.lifecycle = True
        state = record.get("state")
        self._ours = state == "started"
        if state not in ALIVE_STATES:
            # the prompt was taken out of the queue: there will be no result
            yield self._end(Done("aborted"))

    def _system(self, record: Mapping[str, Any]) -> Iterator[Item]:
        subtype, mode = record.get("subtype"), record.get("permissionMode")
        self.background.look(record)
        if isinstance(mode, str):
            self.mode = mode
        if subtype == "init":
            self.initialised = True
            self.session_id = str(record.get("session_id") or "")
            self._model = record.get("model") or self._model
        elif not self._ours:
            return
        elif subtype == "api_retry":
            yield from self._said.retract("The model's answer was cut and starts again")
            status = record.get("error_status") or record.get("error") or "connection"
            count = f"{record.get('attempt')} of {record.get('max_retries')}"
            yield ModelLoading(f"Retrying, attempt {count} ({status})")
        elif subtype == "status" and record.get("status") == "compacting":
            yield CompactionStart()
        elif subtype == "compact_boundary":
            yield Compacted()

    def _result(self, result: Mapping[str, Any]) -> Iterator[Item]:
        tokens, cost = self._meter.turn(result)
        origin = result.get("origin")
        by_itself = isinstance(origin, Mapping) and origin.get("kind") == "task-notification"
        if not self._ours or (by_itself and not self.lifecycle and not self.background.held):
            return
        reason = str(result.get("terminal_reason") or "")
        aborted = reason.startswith("aborted") or self.interrupted
        failed = bool(result.get("is_error")) and not aborted
        yield from self._steps.close(failed=failed or aborted)
        if failed:
            text = " ".join(str(error) for error in result.get("errors") or ())
            yield from self._said.retract("The turn failed")
            yield self._end(result_failure(result, self._error_kind), NO_CONVERSATION in text)
            return
        whole = result.get("result")
        if self._said.empty and isinstance(whole, str) and whole and not aborted:
            yield TextDelta(whole)
        finish: FinishReason = "length" if result.get("stop_reason") == "max_tokens" else "stop"
        finish = "aborted" if aborted else finish
        done = self.background.take(Done(finish, tokens, cost, self._model, "anthropic"))
        if self.background.agents and not aborted:
            self.background.hold(done)
            yield ModelLoading("Waiting for subagents")
            return
        yield self._end(done)

    def _end(self, final: Done | AgentFailure, wrong_session: bool = False) -> Ended:
        self._ended = True
        return Ended(final, wrong_session)
