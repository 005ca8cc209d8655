"""The gateway's events of one run, translated. Pure: no clock, no I/O.

Takes events as they come: doubled, out of order, of unknown kinds, with anything in them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from xo_cowork_core.sdk import (
    AgentFailure,
    Compacted,
    CompactionStart,
    Done,
    Event,
    FinishReason,
    Json,
    ModelLoading,
    ReasoningDelta,
    ToolCall,
    ToolError,
    ToolResult,
)
from xo_runtime_openclaw.gateway.frames import EMPTY, Notice, Row, row, rows, text_of
from xo_runtime_openclaw.run import tools
from xo_runtime_openclaw.run.approvals import Asked, Settled, read_asked
from xo_runtime_openclaw.run.failures import observed, run_failure
from xo_runtime_openclaw.run.step_counter import StepCounter
from xo_runtime_openclaw.run.text_reconciler import TextReconciler

PHASES = MappingProxyType(
    {
        "preparing_workspace": "Preparing the workspace",
        "preparing_context": "Preparing the context",
        "starting_model": "Starting the model",
    }
)


@dataclass(frozen=True, slots=True)
class Ended:
    """The run is over."""

    final: Done | AgentFailure


Item: TypeAlias = Event | Asked | Settled | Ended


class Translator:
    """One run's events. `failing` is why the model's last call failed while the gateway retries;
    `progress` counts what a person would call progress."""

    def __init__(self) -> None:
        self.said = TextReconciler()
        self.steps = StepCounter()
        self.interrupted = False
        self.missed = False  # some of the run's events never came
        self.failing: AgentFailure | None = None
        self.progress = 0
        self._tools: dict[str, tuple[str, Row]] = {}
        self._called: set[str] = set()
        self._thought = ""
        self._last = -1
        self._model: str | None = None
        self._provider: str | None = None
        self._error: AgentFailure | None = None

    @property
    def tools_running(self) -> bool:
        """Say whether a tool was called and hasn't answered."""
        return bool(self._tools)

    @property
    def may_have_worked(self) -> bool:
        """Say whether a tool was called, as far as anybody knows."""
        return self.missed or bool(self._called)

    def items(self, notice: Notice) -> Iterator[Item]:
        """Translate one event."""
        payload = notice.payload
        match notice.event:
            case "agent":
                yield from self._agent(payload)
            case "session.tool":
                # a connection that didn't begin the run gets its tools under this name
                yield from self._agent({"stream": "tool", **payload})
            case "chat":
                yield from self._chat(payload)
            case "session.message":
                yield from self._record(row(payload.get("message")))
            case "exec.approval.requested":
                if asked := read_asked(payload):
                    self.progress += 1
                    yield asked
            case "exec.approval.resolved":
                self.progress += 1
                yield Settled(str(payload.get("id")))

    def done(self, reason: FinishReason) -> Ended:
        """End well, with what was used."""
        steps = self.steps
        return Ended(Done(reason, steps.tokens, steps.cost, self._model, self._provider))

    def _agent(self, payload: Row) -> Iterator[Item]:
        number = payload.get("seq")
        if isinstance(number, int):
            if number <= self._last:
                return
            self._last = number
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
        text, item = text_of(data.get("text")), text_of(data.get("itemId"))
        if data.get("replace") is True:
            yield from self.said.replace(text)
        elif text:
            self._advance()
            yield from self.said.grow(text, item)

    def _thinking(self, text: str) -> Iterator[Item]:
        if text.startswith(self._thought):
            rest, self._thought = text[len(self._thought) :], text
            if rest:
                self._advance()
                yield ReasoningDelta(rest)
        else:
            self._thought = text
            yield ReasoningDelta(text)

    def _item(self, data: Row) -> Iterator[Item]:
        if data.get("kind") == "preamble" and (text := text_of(data.get("progressText"))):
            self._advance()
            yield from self.said.repeat(text)

    def _tool(self, data: Row) -> Iterator[Item]:
        call_id, name = str(data.get("toolCallId")), text_of(data.get("name")) or "tool"
        self.progress += 1
        self.failing = None
        match data.get("phase"):
            case "start" if call_id not in self._called:
                self._called.add(call_id)
                self.said.close()
                self._thought = ""
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
            case "final":
                yield from self.said.finish(message_text(row(payload.get("message"))))
                length = text_of(payload.get("stopReason")) in {"length", "max_tokens"}
                yield self.done("length" if length else "stop")
            case "error":
                yield from self.steps.close(failed=True)
                detail, kind = row(payload.get("errorDetail")), text_of(payload.get("errorKind"))
                yield Ended(run_failure(text_of(payload.get("errorMessage")), detail, kind))
            case "aborted":
                yield from self.steps.close(failed=True)
                # an empty answer is called aborted too; its reason came with the life cycle
                failed = self._error and not self.interrupted
                yield Ended(self._error) if self._error and failed else self.done("aborted")

    def _status(self, phase: str) -> Iterator[Item]:
        if self.failing and phase == "starting_model":
            yield ModelLoading(f"{self.failing.message} Trying again.")
        elif self.said.empty and not self._tools and phase in PHASES:
            yield ModelLoading(PHASES[phase])

    def _record(self, message: Row) -> Iterator[Item]:
        if message.get("role") == "assistant":
            yield from self.steps.record(message)

    def _advance(self) -> None:
        # while calls fail, the same words come again and again
        if self.failing is None:
            self.progress += 1


def message_text(message: Row) -> str:
    """Return the text of a message of the gateway."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    texts = [text_of(block.get("text")) for block in rows(content) if block.get("type") == "text"]
    return "\n\n".join(text for text in texts if text)
