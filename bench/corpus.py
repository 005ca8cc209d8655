"""Makes a home full of sessions, the same for the same seed: true shape, invented words.

Claude's files carry what the real ones do: about 85 KB of request dumps before the first answer,
attachments, answers split over rows that repeat their usage, tool output kept twice.
"""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo")
MODELS = ("claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5")
TOOLS = ("Bash", "Read", "Edit", "Grep")
ATTACHMENTS = ("environment", "model", "skill_listing", "session_context", "date")
DUMP_BYTES = 85_000
BIG_BYTES = 2_500_000
DAYS = 60
SEED = 20261124


@dataclass(frozen=True, slots=True)
class Corpus:
    """What was made. `big` is the session with a file of 2.5 MB; `words` are some that occur, the
    commonest first."""

    files: tuple[Path, ...]
    size: int
    big: str
    words: tuple[str, ...]

    @property
    def mb(self) -> float:
        """Its size in MB (10^6 bytes)."""
        return self.size / 1e6


class Writer:
    """Invents words, rows and sessions from one seed."""

    def __init__(self, home: Path, *, projects: int, dumps: bool = True, seed: int = SEED) -> None:
        self._random = random.Random(seed)
        self._home = home
        self._projects = [home / "xo-projects" / f"project-{n:02}" for n in range(projects)]
        self.words = ["".join(self._random.choices(SYLLABLES, k=n % 3 + 2)) for n in range(4000)]
        weights = [1 / (n + 8) for n in range(len(self.words))]
        self._texts = [
            " ".join(self._random.choices(self.words, weights, k=self._random.randint(8, 90)))
            for _ in range(3000)
        ]
        code = " ".join(self._random.choices(self.words, k=9000))
        self._outputs = [
            code[start : start + int(self._random.lognormvariate(7.2, 1.0))].replace(" ", "\n", 20)
            for start in (self._random.randrange(len(code) // 2) for _ in range(500))
        ]
        self._dump = code[:9000] if dumps else ""
        self._start = datetime.now(UTC) - timedelta(days=DAYS)

    def make(self, *, sessions: int, megabytes: float) -> Corpus:
        """Write that many sessions, together about that large, one of them of 2.5 MB."""
        files: list[Path] = []
        left, big = int(megabytes * 1e6), ""
        for number in range(sessions):
            share = left / (sessions - number)
            limit = share * self._random.uniform(0.5, 1.5)
            session_id = self._uuid()
            if number == sessions // 2 and share < BIG_BYTES < left / 4:
                limit, big = BIG_BYTES, session_id
            path = self._write(session_id, number, int(limit))
            files.append(path)
            left -= path.stat().st_size
        size = sum(path.stat().st_size for path in files)
        return Corpus(tuple(files), size, big or files[0].stem, tuple(self.words))

    def _write(self, session_id: str, number: int, limit: int) -> Path:
        cwd = self._projects[number % len(self._projects)]
        cwd.mkdir(parents=True, exist_ok=True)
        coded = "".join(letter if letter.isalnum() else "-" for letter in str(cwd))
        folder = self._home / ".claude" / "projects" / coded
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{session_id}.jsonl"
        begun = self._start + timedelta(days=self._random.uniform(0, DAYS - 0.2))
        session = Session(self, session_id, cwd, begun)
        with path.open("wb") as file:
            size = 0
            for row in session.rows(self._dump):
                size += file.write(orjson.dumps(row) + b"\n")
                if size >= limit and session.between_turns:
                    break
        return path

    def text(self) -> str:
        """Some words, as a person or a model would say them."""
        return self._random.choice(self._texts)

    def output(self) -> str:
        """What a tool printed."""
        return self._random.choice(self._outputs)

    def one_of(self, names: tuple[str, ...]) -> str:
        return self._random.choice(names)

    def number(self, most: int) -> int:
        return self._random.randrange(most)

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    new_uuid = _uuid


Line = dict[str, object]


class Session:
    """Rows of one session without end; the caller stops between turns."""

    def __init__(self, writer: Writer, session_id: str, cwd: Path, begun: datetime) -> None:
        self._writer = writer
        self._now = begun
        self._parent: str | None = None
        self._model = writer.one_of(MODELS)
        self._common: Line = {
            "userType": "external",
            "entrypoint": "cli",
            "cwd": str(cwd),
            "sessionId": session_id,
            "version": "2.1.330",
            "gitBranch": "HEAD",
        }
        self.between_turns = False

    def rows(self, dump: str) -> Iterator[Line]:
        """Yield rows for ever."""
        first = True
        while True:
            self.between_turns = False
            yield self._row("user", message={"role": "user", "content": self._writer.text()})
            if first:
                yield from self._opening(dump)
            first = False
            for _ in range(1 + self._writer.number(4)):
                yield from self._call()
            yield from self._answer([{"type": "text", "text": self._writer.text()}], "end_turn")
            self.between_turns = True
            yield {"type": "last-prompt", "leafUuid": self._parent, **self._id()}

    def _opening(self, dump: str) -> Iterator[Line]:
        for kind in ATTACHMENTS:
            yield self._row("attachment", attachment={"type": kind}, renderedRole="system")
        for number in range(DUMP_BYTES // len(dump) if dump else 0):
            kind = "api-request-blob" if number else "api-request-shape"
            yield {"type": kind, **self._id(), "hash": f"{number:064x}", "message": dump}

    def _call(self) -> Iterator[Line]:
        call_id, tool = f"toolu_{self._writer.new_uuid()}", self._writer.one_of(TOOLS)
        arguments = {"command": f"run {self._writer.text()[:80]}", "description": "look"}
        use = {"type": "tool_use", "id": call_id, "name": tool, "input": arguments}
        yield from self._answer([{"type": "text", "text": self._writer.text()[:200]}, use])
        yield {"type": "tools-used", "tools": [tool], **self._id()}
        output = self._writer.output()
        result = {"tool_use_id": call_id, "type": "tool_result", "content": output}
        yield self._row(
            "user",
            message={"role": "user", "content": [result | {"is_error": False}]},
            toolUseResult={"stdout": output, "stderr": "", "interrupted": False},
        )

    def _answer(self, blocks: list[Line], reason: str = "tool_use") -> Iterator[Line]:
        yield {"type": "api-request", **self._id(), "params": {"tail": ["0" * 64] * 14}}
        message_id, request_id = self._writer.new_uuid(), self._writer.new_uuid()
        usage = {
            "input_tokens": self._writer.number(4000),
            "cache_creation_input_tokens": self._writer.number(3000),
            "cache_read_input_tokens": self._writer.number(90_000),
            "output_tokens": 1 + self._writer.number(900),
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
        self._now += timedelta(milliseconds=40 + self._writer.number(9000))
        identity, parent = self._writer.new_uuid(), self._parent
        self._parent = identity
        return {
            "parentUuid": parent,
            "isSidechain": False,
            **fields,
            "type": kind,
            "uuid": identity,
            "timestamp": self._now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            **self._common,
        }

    def _id(self) -> Line:
        return {"sessionId": self._common["sessionId"]}
