"""A home with Codex's rollouts, and a writer that does to it what happens: edits, forks, an
archive, and all that breaks files."""

import json
from pathlib import Path

from tests.support.index_home import IndexedHome, Mischief
from xo_cowork_core.sdk import Transcript
from xo_runtime_codex.history.rollouts import rollout_id
from xo_runtime_codex.history.store import Store
from xo_runtime_codex.history.transcript import CodexTranscript
from xo_runtime_codex.runtime import CodexRuntime

THREADS = 3
REVISIONS = 3
LOST = 99
WORDS = ("apple", "pear", "Zürich", "日本", "\u2028", "a\x00b")


class RolloutReader(CodexRuntime):
    """The runtime as far as the index asks it: its files, without a program."""

    def __init__(self, home: Path) -> None:
        self._store = Store(home)

    def transcript_id(self, path: Path) -> str | None:
        return rollout_id(path)

    def open_transcript(self, path: Path) -> Transcript:
        return CodexTranscript(path)


class RolloutHome(IndexedHome):
    """Rollouts with an index beside them."""

    def runtime(self) -> RolloutReader:
        return RolloutReader(self.root)


def identity(number: int) -> str:
    return f"{number:08x}-0000-7000-8000-000000000000"


class RolloutMischief(Mischief):
    """Writes rows of rollouts; their names, ordinals and bases are few, so that they meet."""

    def file(self) -> Path:
        dice = self.dice
        thread, revision = dice.randrange(THREADS), dice.randrange(REVISIONS)
        name = identity(thread) + (f"_{identity(10 * thread + revision)}" if revision else "")
        folder = self._home.root / "sessions" / "2026" / "11" / f"{20 + dice.randrange(2)}"
        if dice.random() < 0.15:
            folder = self._home.root / "archived_sessions"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"rollout-2026-11-24T05-00-00-{name}.jsonl"

    def line(self) -> bytes:
        dice = self.dice
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
        if dice.random() < 0.15:
            return dice.choice(broken)
        kind, body = self.body()
        # clocks jump
        self._second += dice.choice((1, 2, 5, -100))
        time = f"2026-03-0{1 + self._second % 9}T10:00:{self._second % 60:02}.000Z"
        row = {
            "timestamp": dice.choice((time, time, time, time, "never", None, 7)),
            "ordinal": dice.choice((dice.randrange(30), dice.randrange(30), "3", None)),
            "type": kind,
            "payload": body,
        }
        if dice.random() < 0.1:
            del row["ordinal"]
        separators = dice.choice(((",", ":"), (", ", ": ")))
        return json.dumps(row, separators=separators).encode()

    def body(self) -> tuple[str, dict[str, object]]:
        """Return a row's kind and payload."""
        dice = self.dice
        turn: dict[str, object] = {"turn_id": f"t{dice.randrange(4)}"}
        kind = dice.choice(("meta", "context", "used", "used", *["item"] * 9, "end", "copy"))
        if kind == "meta":
            cwd = dice.choice(("/a", "/b", "relative", None, 5))
            return "session_meta", {"cwd": cwd, "model_provider": "p", **self.base()}
        if kind == "context":
            return "turn_context", {**turn, "model": dice.choice(("gpt", None, 5))}
        if kind == "used":
            response = dice.choice((f"r{dice.randrange(20)}", None, 5))
            return "token_usage_record", {**turn, "response_id": response, **self.usage()}
        if kind == "end":
            error = dice.choice((None, None, {"message": "no"}, "odd"))
            name = dice.choice(("task_complete", "turn_aborted", "task_started"))
            return "event_msg", {"type": name, **dice.choice((turn, {})), "error": error}
        if kind == "copy":
            return "response_item", {"type": "message", **turn, "item": self.item()}
        return "event_msg", {"type": "item_completed", **turn, "item": self.item()}

    def base(self) -> dict[str, object]:
        dice = self.dice
        if dice.random() < 0.3:
            return {}
        revision = 10 * dice.randrange(THREADS) + dice.randrange(REVISIONS)
        named = identity(dice.choice((*range(THREADS), revision, LOST)))
        base = {"thread_id": named, "end_ordinal_exclusive": dice.randrange(30)}
        return {"history_base": dice.choice((base, base, base, None, 5, {"thread_id": named}))}

    def usage(self) -> dict[str, object]:
        output = self.dice.randrange(999)
        usage = {"input_tokens": 2 * output, "output_tokens": output}
        return {"usage": self.dice.choice((usage, usage, usage, None, 5, {"input_tokens": "x"}))}

    def item(self) -> object:
        dice = self.dice
        name = f"i{dice.randrange(10**6)}"
        text = " ".join(dice.choices(WORDS, k=3))
        blocks = [{"type": "text", "text": text}, 5, {"type": "image"}]
        items: tuple[object, ...] = (
            {"type": "UserMessage", "id": name, "content": blocks},
            {"type": "UserMessage", "id": name, "content": blocks},
            {"type": "UserMessage", "id": name, "content": dice.choice(([], None, text))},
            {"type": "AgentMessage", "id": name, "content": blocks},
            {"type": "AgentMessage", "id": name, "content": blocks},
            {"type": "AgentMessage", "id": name, "text": text},
            {"type": "AgentMessage", "id": name, "content": dice.choice(([], None, 5))},
            {"type": "Reasoning", "id": name, "summary_text": dice.choice(([text], [], None))},
            {"type": "CommandExecution", "id": name, "command": ["bash", "-lc", "ls"]},
            {"type": "FileChange", "id": name, "changes": dice.choice(({}, None, {"/a": {}}))},
            dice.choice((None, 5, [], {}, {"type": None})),
        )
        return dice.choice(items)
