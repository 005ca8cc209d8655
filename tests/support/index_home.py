"""A home with session files, an index over it, and a writer that does to it what happens."""

import json
import random
import shutil
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from xo_cowork_core.sdk import RuntimeInfo
from xo_cowork_core.sdk.runtime.transcripts import KeepsTranscripts
from xo_cowork_core.services.index import schema
from xo_cowork_core.services.index.index import Index
from xo_cowork_core.services.index.indexed_messages import DIGEST_BYTES
from xo_cowork_core.services.index.indexer import Indexer
from xo_cowork_core.services.index.refresher import IndexRefresher
from xo_cowork_core.services.index.schema import BLOCK_MESSAGES
from xo_cowork_core.services.index.session_rows import Flags
from xo_cowork_core.services.runtimes.registry import PluginRecord, RegisteredRuntime, Registry
from xo_cowork_core.storage.database import Database
from xo_runtime_claude.history.transcript import ClaudeTranscript
from xo_runtime_claude.runtime import ClaudeRuntime

NO_FLAGS: Mapping[str, Flags] = MappingProxyType({})
TABLES = {
    "files": "SELECT * FROM files",
    "sessions": "SELECT session_id, agent_name, agent_id, directory, title, time_created,"
    " time_updated, message_count, is_pinned, hidden FROM sessions",
    "calls": "SELECT place, key, session_id, agent_name, model_id, provider_id, time_ms, input,"
    " output, reasoning, cache_read, cache_write, cost, tools, counted"
    " FROM calls JOIN session_keys USING (session_key) JOIN models USING (model_key)",
    "messages_daily": "SELECT * FROM messages_daily",
    "usage_daily": "SELECT * FROM usage_daily",
    "tools_daily": "SELECT * FROM tools_daily",
}
Words = set[tuple[str, int, int]]


class Reader(ClaudeRuntime):
    """The runtime as far as the index asks it: its files, without a program."""

    def __init__(self, projects: Path, opened: Callable[[Path], ClaudeTranscript]) -> None:
        self._projects = projects
        self._opened = opened

    def transcript_folders(self) -> list[Path]:
        return [self._projects]

    def transcript_id(self, path: Path) -> str | None:
        return path.stem if path.suffix == ".jsonl" else None

    def open_transcript(self, path: Path) -> ClaudeTranscript:
        return self._opened(path)


def stored_messages(connection: sqlite3.Connection) -> Iterator[tuple[str, int, bytes, str]]:
    """Yield session, number, digest and text of each message."""
    blocks = connection.execute(
        "SELECT session_id, first, digests, texts FROM message_blocks"
        " LEFT JOIN message_texts USING (block_id) LEFT JOIN session_keys USING (session_key)"
    )
    for session_id, first, digests, texts in blocks:
        for place, text in enumerate(json.loads(zlib.decompress(texts))):
            digest = digests[DIGEST_BYTES * place : DIGEST_BYTES * (place + 1)]
            yield session_id, first + place, digest, text


def indexed_words(connection: sqlite3.Connection) -> Words:
    """Return each word that can be found, with its message and its place there."""
    connection.execute("INSERT INTO messages_fts (messages_fts) VALUES ('integrity-check')")
    connection.execute(
        "CREATE VIRTUAL TABLE temp.words USING fts5vocab ('main', 'messages_fts', 'instance')"
    )
    return set(connection.execute("SELECT term, doc, offset FROM temp.words"))


def expected_words(connection: sqlite3.Connection) -> Words:
    """Return the same, from the texts that are stored."""
    with closing(sqlite3.connect(":memory:")) as fresh:
        fresh.execute(
            "CREATE VIRTUAL TABLE texts USING fts5 (text, tokenize='unicode61 remove_diacritics 2')"
        )
        for block_id, texts in connection.execute("SELECT block_id, texts FROM message_texts"):
            numbered = enumerate(json.loads(zlib.decompress(texts)), BLOCK_MESSAGES * block_id)
            fresh.executemany("INSERT INTO texts (rowid, text) VALUES (?, ?)", numbered)
        fresh.execute("CREATE VIRTUAL TABLE words USING fts5vocab ('texts', 'instance')")
        return set(fresh.execute("SELECT term, doc, offset FROM words"))


class IndexWithTask:
    """An index and the task that refreshes it."""

    def __init__(self, database: Database, registry: Registry) -> None:
        indexer = Indexer(database, registry, project_of)
        self.index = Index(database, indexer, project_of)
        self._refresher = IndexRefresher(self.index, indexer)

    async def start(self, flags: Mapping[str, Flags] = NO_FLAGS) -> None:
        await self._refresher.start(flags)

    async def stop(self) -> None:
        await self._refresher.stop()


def project_of(directory: str | None) -> str | None:
    """Every directory is a project of its own."""
    return directory


class IndexedHome:
    """One folder of projects with an index beside it."""

    def __init__(
        self, root: Path, opened: Callable[[Path], ClaudeTranscript] = ClaudeTranscript
    ) -> None:
        self.root = root
        self.projects = root / "projects"
        self.projects.mkdir(exist_ok=True)
        self.opened = opened

    def runtime(self) -> KeepsTranscripts:
        """Return whose files these are."""
        return Reader(self.projects, self.opened)

    def index(self, name: str = "index.db") -> "IndexWithTask":
        """Return an index in this file, not started."""
        registry = Registry()
        plugin = PluginRecord(name="reader", state="ready")
        info, runtime = RuntimeInfo("reader", "Reader"), cast("Any", self.runtime())
        registry.add_runtime(RegisteredRuntime(info, runtime, plugin, cast("Any", None)))
        database = Database(self.root / name, schema.STEPS, schema.PRAGMAS)
        return IndexWithTask(database, registry)

    def rows(self, name: str = "index.db") -> dict[str, list[tuple[object, ...]]]:
        """Return every table as it is on disk, but for the numbers that the database assigns."""
        with closing(sqlite3.connect(self.root / name)) as connection:
            found = {table: sorted(connection.execute(query)) for table, query in TABLES.items()}
            found["messages"] = sorted(stored_messages(connection))
            assert indexed_words(connection) == expected_words(connection)
        return cast("Any", found)

    def remove(self, name: str) -> None:
        for suffix in ("", "-wal", "-shm"):
            (self.root / f"{name}{suffix}").unlink(missing_ok=True)


class Mischief:
    """Writes rows of sessions, and breaks files, all from one seed."""

    def __init__(self, home: IndexedHome, seed: int, files: int = 4) -> None:
        self.dice = random.Random(seed)
        self._files = files
        self._home = home
        self._ids: list[str] = []
        self._second = 0

    def act(self) -> None:
        """Do one thing."""
        acts = (self.grow, self.grow, self.grow, self.tear, self.cut, self.rotate, self.twin)
        self.dice.choice((*acts, self.remove, self.move))()

    def file(self) -> Path:
        """Choose a file, that may not be there yet."""
        folder = self._home.projects / f"-project-{self.dice.randrange(2)}"
        folder.mkdir(exist_ok=True)
        return folder / f"session-{self.dice.randrange(self._files)}.jsonl"

    def grow(self) -> None:
        """Append lines, most of them whole."""
        with self.file().open("ab") as file:
            for _ in range(self.dice.randrange(1, 6)):
                file.write(self.line() + b"\n")

    def tear(self) -> None:
        """Append a line that has no end yet; what is written next lands on it."""
        line = self.line()
        with self.file().open("ab") as file:
            file.write(line[: self.dice.randrange(len(line) + 1)])

    def cut(self) -> None:
        """Make a file shorter, at any byte."""
        path = self.file()
        if path.exists():
            with path.open("rb+") as file:
                file.truncate(self.dice.randrange(path.stat().st_size + 1))

    def rotate(self) -> None:
        """Put another file in its place."""
        path = self.file()
        fresh = path.with_suffix(".new")
        fresh.write_bytes(b"".join(self.line() + b"\n" for _ in range(self.dice.randrange(6))))
        fresh.replace(path)

    def twin(self) -> None:
        """Copy a file over another: the same rows, and calls, twice."""
        source, target = self.file(), self.file()
        if source.exists() and source != target:
            shutil.copyfile(source, target)

    def remove(self) -> None:
        self.file().unlink(missing_ok=True)

    def move(self) -> None:
        source, target = self.file(), self.file()
        if source.exists() and source != target:
            source.replace(target)

    def line(self) -> bytes:
        """Return one line: a row, or something that is none."""
        broken = (
            b"",
            b"null",
            b"[1]",
            b"{",
            b'{"parentUuid":null}',
            b'{"parentUuid":null,"uuid":5}',
            b'\xff\xfe{"parentUuid":null,"uuid":"x"}',
            b'{"parentUuid":null,"uuid":"s","type":"user","message":{"content":"\xc3\x28"}}',
        )
        if self.dice.random() < 0.15:
            return self.dice.choice(broken)
        return json.dumps(self.row()).encode()

    def row(self) -> dict[str, object]:
        """Return a row with a parent that is the newest, an older one, or not there."""
        dice = self.dice
        identity = f"u{dice.randrange(10**6)}"
        if self._ids and dice.random() < 0.05:
            identity = dice.choice(self._ids)
        parent = self._ids[-1] if self._ids else None
        if dice.random() < 0.15:
            parent = dice.choice([None, "lost", *self._ids[-9:]])
        self._ids.append(identity)
        # clocks jump
        self._second += dice.choice((1, 2, 5, -100))
        kind = dice.choice(("user", "assistant", "assistant", "system"))
        message: object = {"role": kind, "content": self.content()}
        if kind == "assistant":
            usage = {"input_tokens": dice.randrange(9), "output_tokens": dice.randrange(99)}
            message = {
                "id": f"m{dice.randrange(30)}",
                "model": "claude-opus-4-5",
                "content": self.content(),
                "usage": dice.choice((usage, usage, None, 5, {"input_tokens": "x"})),
            }
        seconds = self._second % 60
        return {
            "type": kind,
            "uuid": identity,
            "parentUuid": parent,
            "message": dice.choice((message, message, message, message, None, "text")),
            "timestamp": f"2026-03-0{1 + self._second % 9}T10:00:{seconds:02}.000Z",
        }

    def content(self) -> object:
        dice = self.dice
        text = " ".join(dice.choices(("apple", "pear", "Zürich", "日本", "\u2028", "a\x00b"), k=4))
        block = {"type": "text", "text": text}
        return dice.choice((text, [block], [block, block], [block, 5, {"type": 3}], None, [], {}))
