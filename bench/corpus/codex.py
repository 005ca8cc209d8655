"""Rollouts of Codex: its instructions first, then every word twice, for people as `event_msg` and
for the model as `response_item`, with what it thought encrypted, and usage after each call."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import orjson

from bench.corpus.words import Line, SessionClock, Words

FOLDER = ".codex"
MODELS = ("gpt-5.1-codex", "gpt-5.1-codex-mini")
INSTRUCTIONS_LETTERS = 21_000
CONTEXT_LETTERS = 2600
THOUGHT_LETTERS = 1100


class CodexSession:
    """Rows of one session without end; the caller stops between turns."""

    def __init__(self, words: Words, cwd: Path, started_at: datetime, *, dumps: bool) -> None:
        self.session_id = words.new_uuid()
        self._words, self._clock, self._cwd = words, SessionClock(words, started_at), str(cwd)
        self._dumps = dumps
        self._model = words.one_of(MODELS)
        self._started_at = started_at
        self._ordinal = 0
        self._turn = ""
        self._total = [0] * 5
        self.between_turns = False

    def path(self, home: Path) -> Path:
        day = home / FOLDER / "sessions" / f"{self._started_at:%Y/%m/%d}"
        return day / f"rollout-{self._started_at:%Y-%m-%dT%H-%M-%S}-{self.session_id}.jsonl"

    def rows(self) -> Iterator[Line]:
        """Yield rows for ever."""
        yield self._meta()
        first = True
        while True:
            self.between_turns = False
            self._turn = self._words.new_uuid()
            yield self._event("task_started", started_at=0, model_context_window=258_400)
            if first and self._dumps:
                yield from self._context()
            first = False
            yield self._row("turn_context", **self._settings())
            yield from self._user_message()
            for _ in range(self._words.calls()):
                yield from self._call()
            yield from self._answer()
            self.between_turns = True
            yield self._event("task_complete", duration_ms=self._words.number(90_000))

    def _meta(self) -> Line:
        text = self._words.long[:INSTRUCTIONS_LETTERS] if self._dumps else ""
        return self._row(
            "session_meta",
            session_id=self.session_id,
            id=self.session_id,
            timestamp=self._started_at.isoformat(),
            cwd=self._cwd,
            originator="codex_cli",
            cli_version="0.169.0",
            source="cli",
            model_provider="openai",
            base_instructions={"text": text},
            history_mode="paginated",
        )

    def _context(self) -> Iterator[Line]:
        text = self._words.long[:CONTEXT_LETTERS]
        yield self._item("message", role="developer", content=[_input(text)])
        yield self._row("world_state", full=True, state={"host_skills": {"body": text}})

    def _settings(self) -> Line:
        return {
            "turn_id": self._turn,
            "cwd": self._cwd,
            "approval_policy": "on-request",
            "model": self._model,
            "collaboration_mode": {"mode": "default", "settings": {"model": self._model}},
            "sandbox_policy": {"type": "workspace-write"},
        }

    def _user_message(self) -> Iterator[Line]:
        text = self._words.text()
        yield self._item("message", role="user", content=[_input(text)])
        block = {"type": "text", "text": text, "text_elements": []}
        yield self._completed("UserMessage", content=[block])

    def _call(self) -> Iterator[Line]:
        yield from self._reasoning()
        call_id, command = f"call_{self._words.code(24)}", f"run {self._words.text()[:80]}"
        arguments = orjson.dumps({"cmd": command}).decode()
        yield self._item("function_call", name="exec_command", arguments=arguments, call_id=call_id)
        yield from self._token_usage()
        output = self._words.output()
        yield self._completed(
            "CommandExecution",
            id=call_id,
            process_id=str(self._words.number(65_000)),
            command=["/bin/bash", "-lc", command],
            cwd=f"file://{self._cwd}",
            parsed_cmd=[{"type": "unknown", "cmd": command}],
            source="unified_exec_startup",
            status="completed",
            aggregated_output=output,
            exit_code=0,
            duration={"secs": 0, "nanos": self._words.number(10**9)},
        )
        report = f"Wall time: 0.0000 seconds\nProcess exited with code 0\nOutput:\n{output}"
        yield self._item("function_call_output", call_id=call_id, output=report)

    def _reasoning(self) -> Iterator[Line]:
        words = self._words.text()[:120]
        yield self._completed("Reasoning", summary_text=[words], raw_content=[])
        yield self._item(
            "reasoning",
            summary=[{"type": "summary_text", "text": words}],
            encrypted_content=self._words.code(THOUGHT_LETTERS),
        )

    def _answer(self) -> Iterator[Line]:
        text = self._words.text()
        yield self._completed("AgentMessage", content=[{"type": "Text", "text": text}])
        yield self._item(
            "message",
            role="assistant",
            content=[{"type": "output_text", "text": text, "annotations": []}],
        )
        yield from self._token_usage()

    def _token_usage(self) -> Iterator[Line]:
        read = self._words.number(90_000)
        output = 1 + self._words.number(900)
        counts = [read + self._words.number(4000), read, 0, output, output // 3]
        self._total = [a + b for a, b in zip(self._total, counts, strict=True)]
        last, total = _tokens(counts), _tokens(self._total)
        yield self._row(
            "token_usage_record",
            thread_id=self.session_id,
            turn_id=self._turn,
            session_id=self.session_id,
            response_id=f"resp_{self._words.code(32)}",
            usage=last,
            turn_token_usage=last,
            thread_token_usage=total,
        )
        info = {"total_token_usage": total, "last_token_usage": last}
        yield self._event("token_count", info=info, rate_limits={"limit_id": "codex"})

    def _completed(self, kind: str, **item: object) -> Line:
        body: Line = {"type": kind, "id": f"item_{self._words.code(24)}", **item}
        moment = self._clock.milliseconds
        times = {"started_at_ms": moment, "completed_at_ms": moment}
        return self._event("item_completed", thread_id=self.session_id, item=body, **times)

    def _event(self, kind: str, **body: object) -> Line:
        return self._row("event_msg", type=kind, turn_id=self._turn, **body)

    def _item(self, kind: str, **body: object) -> Line:
        passed = {"turn_id": self._turn, "content_item_kinds": ["unknown"]}
        return self._row(
            "response_item",
            type=kind,
            id=f"{kind}_{self._words.code(24)}",
            **body,
            internal_chat_message_metadata_passthrough=passed,
        )

    def _row(self, kind: str, **payload: object) -> Line:
        ordinal, self._ordinal = self._ordinal, self._ordinal + 1
        time = self._clock.tick()
        return {"timestamp": time, "ordinal": ordinal, "type": kind, "payload": payload}


def user_message_row(path: Path, text: str, row_id: str) -> Line:
    """Return a row that appends a message to a file."""
    item = {"type": "UserMessage", "id": row_id, "content": [{"type": "text", "text": text}]}
    payload = {"type": "item_completed", "turn_id": row_id, "item": item}
    ordinal = path.read_bytes().count(b"\n")
    row: Line = {"timestamp": "2099-01-01T00:00:00Z", "ordinal": ordinal, "type": "event_msg"}
    return row | {"payload": payload}


def _input(text: str) -> Line:
    return {"type": "input_text", "text": text}


def _tokens(figures: list[int]) -> Line:
    names = ("input", "cached_input", "cache_write_input", "output", "reasoning_output")
    found: Line = {f"{name}_tokens": n for name, n in zip(names, figures, strict=True)}
    return {**found, "total_tokens": figures[0] + figures[3]}
