"""OpenClaw's files of before the summer of 2026, which its gateway would take over at its start."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from bench.corpus.words import Line, SessionClock, Words

FOLDER = ".openclaw"
AGENTS = ("main", "writer", "reader")
MODELS = ("claude-sonnet-4-5", "gpt-5.1")
PRICE = 0.000_002


class OpenClawSession:
    """Rows of one session without end; the caller stops between turns."""

    def __init__(self, words: Words, cwd: Path, started_at: datetime, *, dumps: bool) -> None:
        self.session_id = words.new_uuid()
        self._words, self._clock, self._cwd = words, SessionClock(words, started_at), str(cwd)
        self._snapshots = dumps
        self._model, self._agent = words.one_of(MODELS), words.one_of(AGENTS)
        self._parent: str | None = None
        self.between_turns = False

    def path(self, home: Path) -> Path:
        return home / FOLDER / "agents" / self._agent / "sessions" / f"{self.session_id}.jsonl"

    def rows(self) -> Iterator[Line]:
        """Yield rows for ever."""
        time = self._clock.tick()
        yield {
            "type": "session",
            "version": 4,
            "id": self.session_id,
            "timestamp": time,
            "cwd": self._cwd,
        }
        yield self._row("model_change", provider="anthropic", modelId=self._model)
        while True:
            self.between_turns = False
            yield self._message(role="user", content=self._words.text())
            if self._snapshots:
                yield self._row(
                    "custom", customType="model-snapshot", data={"modelId": self._model}
                )
            for _ in range(self._words.calls()):
                yield from self._call()
            self.between_turns = True
            yield self._answer([{"type": "text", "text": self._words.text()}], "stop")

    def _call(self) -> Iterator[Line]:
        call_id = f"call_{self._words.code(24)}"
        command = {"command": f"run {self._words.text()[:80]}"}
        use: Line = {"type": "toolCall", "id": call_id, "name": "exec", "arguments": command}
        yield self._answer([{"type": "text", "text": self._words.text()[:200]}, use], "toolUse")
        output = self._words.output()
        yield self._message(
            role="toolResult",
            toolCallId=call_id,
            toolName="exec",
            content=[{"type": "text", "text": output}],
            details={"status": "completed", "exitCode": 0, "aggregated": output, "cwd": self._cwd},
            isError=False,
        )

    def _answer(self, blocks: list[Line], reason: str) -> Line:
        figures = {
            "input": self._words.number(4000),
            "output": 1 + self._words.number(900),
            "cacheRead": self._words.number(90_000),
            "cacheWrite": self._words.number(3000),
        }
        total = sum(figures.values())
        usage = {**figures, "totalTokens": total, "cost": {"total": total * PRICE}}
        return self._message(
            role="assistant",
            content=blocks,
            api="anthropic-messages",
            provider="anthropic",
            model=self._model,
            usage=usage,
            stopReason=reason,
            responseId=f"msg_{self._words.code(24)}",
        )

    def _message(self, **message: object) -> Line:
        row = self._row("message")
        return row | {"message": {**message, "timestamp": self._clock.milliseconds}}

    def _row(self, kind: str, **fields: object) -> Line:
        time = self._clock.tick()
        identity, parent = self._words.new_uuid(), self._parent
        self._parent = identity
        return {"type": kind, **fields, "id": identity, "parentId": parent, "timestamp": time}


def user_message_row(path: Path, text: str, row_id: str) -> Line:
    """Return a row that appends a message to a file."""
    message = {"role": "user", "content": text, "timestamp": 4_070_908_800_000}
    row: Line = {"type": "message", "id": row_id, "parentId": None, "message": message}
    return row | {"timestamp": "2099-01-01T00:00:00Z"}
