"""A home with Codex's rollouts, and a fuzzer that edits, forks, archives and damages them."""

import json
from pathlib import Path

from tests.support.index_home import FileFuzzer, IndexedHome
from xo_cowork_core.sdk.runtime.transcripts import Transcript
from xo_runtime_codex.history.rollouts import rollout_id
from xo_runtime_codex.history.store import Store
from xo_runtime_codex.history.transcript import CodexTranscript
from xo_runtime_codex.runtime import CodexRuntime

THREADS = 3
REVISIONS = 3
LOST = 99
WORDS = ("apple", "pear", "Zürich", "日本", "\u2028", "a\x00b")


class RolloutRuntime(CodexRuntime):
    """The part of the runtime that the index uses: its files, without a program."""

    def __init__(self, home: Path) -> None:
        self._store = Store(home)

    def transcript_id(self, path: Path) -> str | None:
        return rollout_id(path)

    def open_transcript(self, path: Path) -> Transcript:
        return CodexTranscript(path)


class RolloutHome(IndexedHome):
    """Rollouts and an index over them."""

    def runtime(self) -> RolloutRuntime:
        return RolloutRuntime(self.root)


def identity(number: int) -> str:
    return f"{number:08x}-0000-7000-8000-000000000000"


class RolloutFuzzer(FileFuzzer):
    """Writes rows of rollouts. Names, ordinals and bases are few, so that they collide."""

    def file(self) -> Path:
        rng = self.rng
        thread, revision = rng.randrange(THREADS), rng.randrange(REVISIONS)
        name = identity(thread) + (f"_{identity(10 * thread + revision)}" if revision else "")
        folder = self._home.root / "sessions" / "2026" / "11" / f"{20 + rng.randrange(2)}"
        if rng.random() < 0.15:
            folder = self._home.root / "archived_sessions"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"rollout-2026-11-24T05-00-00-{name}.jsonl"

    def line(self) -> bytes:
        rng = self.rng
        broken = (
            b"",
            b"null",
            b"[1]",
            b"{",
            b'{"type":"session_meta"}',
            b'{"type":"session_meta","payload":5}',
            b'{"type":"event_msg","payload":{"type":"item_completed","item":5}}',
            b'\xff\xfe{"type":"turn_context","payload":{}}',
            b'{"type":"event_msg","payload":{"type":"item_completed","turn_id":"\xc3\x28"}}',
        )
        if rng.random() < 0.15:
            return rng.choice(broken)
        kind, body = self.body()
        # clocks may go backwards
        self._second += rng.choice((1, 2, 5, -100))
        time = f"2026-03-0{1 + self._second % 9}T10:00:{self._second % 60:02}.000Z"
        row = {
            "timestamp": rng.choice((time, time, time, time, "never", None, 7)),
            "ordinal": rng.choice((rng.randrange(30), rng.randrange(30), "3", None)),
            "type": kind,
            "payload": body,
        }
        if rng.random() < 0.1:
            del row["ordinal"]
        separators = rng.choice(((",", ":"), (", ", ": ")))
        return json.dumps(row, separators=separators).encode()

    def body(self) -> tuple[str, dict[str, object]]:
        """Return a row's kind and payload."""
        rng = self.rng
        turn: dict[str, object] = {"turn_id": f"t{rng.randrange(4)}"}
        kind = rng.choice(("meta", "context", "used", "used", *["item"] * 9, "end", "copy"))
        if kind == "meta":
            cwd = rng.choice(("/a", "/b", "relative", None, 5))
            return "session_meta", {"cwd": cwd, "model_provider": "p", **self.base()}
        if kind == "context":
            return "turn_context", {**turn, "model": rng.choice(("gpt", None, 5))}
        if kind == "used":
            response = rng.choice((f"r{rng.randrange(20)}", None, 5))
            return "token_usage_record", {**turn, "response_id": response, **self.usage()}
        if kind == "end":
            error = rng.choice((None, None, {"message": "no"}, "odd"))
            name = rng.choice(("task_complete", "turn_aborted", "task_started"))
            return "event_msg", {"type": name, **rng.choice((turn, {})), "error": error}
        if kind == "copy":
            return "response_item", {"type": "message", **turn, "item": self.item()}
        return "event_msg", {"type": "item_completed", **turn, "item": self.item()}

    def base(self) -> dict[str, object]:
        rng = self.rng
        if rng.random() < 0.3:
            return {}
        revision = 10 * rng.randrange(THREADS) + rng.randrange(REVISIONS)
        named = identity(rng.choice((*range(THREADS), revision, LOST)))
        base = {"thread_id": named, "end_ordinal_exclusive": rng.randrange(30)}
        return {"history_base": rng.choice((base, base, base, None, 5, {"thread_id": named}))}

    def usage(self) -> dict[str, object]:
        output = self.rng.randrange(999)
        usage = {"input_tokens": 2 * output, "output_tokens": output}
        return {"usage": self.rng.choice((usage, usage, usage, None, 5, {"input_tokens": "x"}))}

    def item(self) -> object:
        rng = self.rng
        name = f"i{rng.randrange(10**6)}"
        text = " ".join(rng.choices(WORDS, k=3))
        blocks = [{"type": "text", "text": text}, 5, {"type": "image"}]
        items: tuple[object, ...] = (
            {"type": "UserMessage", "id": name, "content": blocks},
            {"type": "UserMessage", "id": name, "content": blocks},
            {"type": "UserMessage", "id": name, "content": rng.choice(([], None, text))},
            {"type": "AgentMessage", "id": name, "content": blocks},
            {"type": "AgentMessage", "id": name, "content": blocks},
            {"type": "AgentMessage", "id": name, "text": text},
            {"type": "AgentMessage", "id": name, "content": rng.choice(([], None, 5))},
            {"type": "Reasoning", "id": name, "summary_text": rng.choice(([text], [], None))},
            {"type": "CommandExecution", "id": name, "command": ["bash", "-lc", "ls"]},
            {"type": "FileChange", "id": name, "changes": rng.choice(({}, None, {"/a": {}}))},
            rng.choice((None, 5, [], {}, {"type": None})),
        )
        return rng.choice(items)
