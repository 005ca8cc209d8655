"""Session files of Claude Code: about 85 KB of request dumps before the first answer, attachments,
answers split over rows that repeat their usage, tool output kept twice."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import orjson

from bench.corpus.words import Line, SessionClock, Words

FOLDER = ".claude"
MODELS = ("claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5")
TOOLS = ("Bash", "Read", "Edit", "Grep")
ATTACHMENTS = ("environment", "model", "skill_listing", "session_context", "date")
DUMP_BYTES = 85_000
DUMP_LETTERS = 9000


class ClaudeSession:
    """Rows of one session without end; the caller stops between turns."""

    def __init__(self, words: Words, cwd: Path, started_at: datetime, *, dumps: bool) -> None:
        self.session_id = words.new_uuid()
        self._words, self._clock, self._cwd = words, SessionClock(words, started_at), cwd
        self._dump = words.long[:DUMP_LETTERS] if dumps else ""
        self._parent: str | None = None
        self._model = words.one_of(MODELS)
        self._common: Line = {
            "userType": "external",
            "entrypoint": "cli",
            "cwd": str(cwd),
            "sessionId": self.session_id,
            "version": "2.1.330",
            "gitBranch": "HEAD",
        }
        self.between_turns = False

    def path(self, home: Path) -> Path:
        folder_name = "".join(letter if letter.isalnum() else "-" for letter in str(self._cwd))
        return home / FOLDER / "projects" / folder_name / f"{self.session_id}.jsonl"

    def rows(self) -> Iterator[Line]:
        """Yield rows for ever."""
        first = True
        while True:
            self.between_turns = False
            yield self._row("user", message={"role": "user", "content": self._words.text()})
            if first:
                yield from self._opening()
            first = False
            for _ in range(self._words.calls()):
                yield from self._call()
            yield from self._answer([{"type": "text", "text": self._words.text()}], "end_turn")
            self.between_turns = True
            yield {"type": "last-prompt", "leafUuid": self._parent, **self._id()}

    def _opening(self) -> Iterator[Line]:
        for kind in ATTACHMENTS:
            yield self._row("attachment", attachment={"type": kind}, renderedRole="system")
        for number in range(DUMP_BYTES // len(self._dump) if self._dump else 0):
            kind = "api-request-blob" if number else "api-request-shape"
            yield {"type": kind, **self._id(), "hash": f"{number:064x}", "message": self._dump}

    def _call(self) -> Iterator[Line]:
        call_id, tool = f"toolu_{self._words.new_uuid()}", self._words.one_of(TOOLS)
        arguments = {"command": f"run {self._words.text()[:80]}", "description": "look"}
        use = {"type": "tool_use", "id": call_id, "name": tool, "input": arguments}
        yield from self._answer([{"type": "text", "text": self._words.text()[:200]}, use])
        yield {"type": "tools-used", "tools": [tool], **self._id()}
        output = self._words.output()
        result = {"tool_use_id": call_id, "type": "tool_result", "content": output}
        yield self._row(
            "user",
            message={"role": "user", "content": [result | {"is_error": False}]},
            toolUseResult={"stdout": output, "stderr": "", "interrupted": False},
        )

    def _answer(self, blocks: list[Line], reason: str = "tool_use") -> Iterator[Line]:
        yield {"type": "api-request", **self._id(), "params": {"tail": ["0" * 64] * 14}}
        message_id, request_id = self._words.new_uuid(), self._words.new_uuid()
        usage = {
            "input_tokens": self._words.number(4000),
            "cache_creation_input_tokens": self._words.number(3000),
            "cache_read_input_tokens": self._words.number(90_000),
            "output_tokens": 1 + self._words.number(900),
            "service_tier": "standard",
        }
        for block in blocks:
            message = {
                "id": f"msg_{message_id}",
                "type": "message",
                "role": "assistant",
                "model": self._model,
                "content": [block],
                "stop_reason": reason,
                "usage": usage,
            }
            yield self._row("assistant", message=message, requestId=f"req_{request_id}")

    def _row(self, kind: str, **fields: object) -> Line:
        time = self._clock.tick()
        identity, parent = self._words.new_uuid(), self._parent
        self._parent = identity
        return {
            "parentUuid": parent,
            "isSidechain": False,
            **fields,
            "type": kind,
            "uuid": identity,
            "timestamp": time,
            **self._common,
        }

    def _id(self) -> Line:
        return {"sessionId": self.session_id}


def user_message_row(path: Path, text: str, row_id: str) -> Line:
    """Return a row that appends a message to a file."""
    last = next(line for line in reversed(path.read_bytes().split(b"\n")) if b'"uuid"' in line)
    row: Line = orjson.loads(last)
    row |= {"parentUuid": row["uuid"], "uuid": row_id, "type": "user"}
    message = {"role": "user", "content": text}
    return row | {"message": message, "timestamp": "2099-01-01T00:00:00Z"}
