"""A home with session files, an index over it, and a fuzzer that changes the files."""

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
from xo_cowork_core.services.runtimes.plugin_record import PluginRecord
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime, Registry
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


class TranscriptRuntime(ClaudeRuntime):
    """The part of the runtime that the index uses: its files, without a program."""

    def __init__(self, projects: Path, open_transcript: Callable[[Path], ClaudeTranscript]) -> None:
        self._projects = projects
        self._open_transcript = open_transcript

    def transcript_folders(self) -> list[Path]:
        return [self._projects]

    def transcript_id(self, path: Path) -> str | None:
        return path.stem if path.suffix == ".jsonl" else None

    def open_transcript(self, path: Path) -> ClaudeTranscript:
        return self._open_transcript(path)


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
    """Return each word of the full-text index, with its message and its position."""
    connection.execute("INSERT INTO messages_fts (messages_fts) VALUES ('integrity-check')")
    connection.execute(
        "CREATE VIRTUAL TABLE temp.words USING fts5vocab ('main', 'messages_fts', 'instance')"
    )
    return set(connection.execute("SELECT term, doc, offset FROM temp.words"))


def expected_words(connection: sqlite3.Connection) -> Words:
    """Return the words that the index must have, from the stored texts."""
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
    """Return the project of a directory: each directory is a project."""
    return directory


class IndexedHome:
    """One folder of projects with an index beside it."""

    def __init__(
        self, root: Path, open_transcript: Callable[[Path], ClaudeTranscript] = ClaudeTranscript
    ) -> None:
        self.root = root
        self.projects = root / "projects"
        self.projects.mkdir(exist_ok=True)
        self.open_transcript = open_transcript

    def runtime(self) -> KeepsTranscripts:
        """Return the runtime that owns the files."""
        return TranscriptRuntime(self.projects, self.open_transcript)

    def index(self, name: str = "index.db") -> "IndexWithTask":
        """Return an index in this file, not started."""
        registry = Registry()
        plugin = PluginRecord(name="reader", state="ready")
        info, runtime = RuntimeInfo("reader", "Reader"), cast("Any", self.runtime())
        registry.add_runtime(RegisteredRuntime(info, runtime, plugin, cast("Any", None)))
        database = Database(self.root / name, schema.STEPS, schema.PRAGMAS)
        return IndexWithTask(database, registry)

    def rows(self, name: str = "index.db") -> dict[str, list[tuple[object, ...]]]:
        """Return every table as stored, without the keys that the database assigns."""
        with closing(sqlite3.connect(self.root / name)) as connection:
            rows = {table: sorted(connection.execute(query)) for table, query in TABLES.items()}
            rows["messages"] = sorted(stored_messages(connection))
            assert indexed_words(connection) == expected_words(connection)
        return cast("Any", rows)

    def remove(self, name: str) -> None:
        for suffix in ("", "-wal", "-shm"):
            (self.root / f"{name}{suffix}").unlink(missing_ok=True)


class FileFuzzer:
    """Appends rows to session files and damages the files, reproducibly from one seed."""

    def __init__(self, home: IndexedHome, seed: int, files: int = 4) -> None:
        self.rng = random.Random(seed)
        self._files = files
        self._home = home
        self._ids: list[str] = []
        self._second = 0

    def change_files(self) -> None:
        """Apply one random change."""
        changes = (
            self.append_lines,
            self.append_lines,
            self.append_lines,
            self.append_partial_line,
            self.truncate_file,
            self.replace_file,
            self.copy_file,
        )
        self.rng.choice((*changes, self.remove_file, self.move_file))()

    def file(self) -> Path:
        """Choose a file, which may not exist yet."""
        folder = self._home.projects / f"-project-{self.rng.randrange(2)}"
        folder.mkdir(exist_ok=True)
        return folder / f"session-{self.rng.randrange(self._files)}.jsonl"

    def append_lines(self) -> None:
        """Append lines, most of them valid."""
        with self.file().open("ab") as file:
            for _ in range(self.rng.randrange(1, 6)):
                file.write(self.line() + b"\n")

    def append_partial_line(self) -> None:
        """Append the start of a line; the next write continues it."""
        line = self.line()
        with self.file().open("ab") as file:
            file.write(line[: self.rng.randrange(len(line) + 1)])

    def truncate_file(self) -> None:
        """Truncate a file at any byte."""
        path = self.file()
        if path.exists():
            with path.open("rb+") as file:
                file.truncate(self.rng.randrange(path.stat().st_size + 1))

    def replace_file(self) -> None:
        """Replace a file by another one."""
        path = self.file()
        fresh = path.with_suffix(".new")
        fresh.write_bytes(b"".join(self.line() + b"\n" for _ in range(self.rng.randrange(6))))
        fresh.replace(path)

    def copy_file(self) -> None:
        """Copy a file over another, so that rows and calls exist twice."""
        source, target = self.file(), self.file()
        if source.exists() and source != target:
            shutil.copyfile(source, target)

    def remove_file(self) -> None:
        self.file().unlink(missing_ok=True)

    def move_file(self) -> None:
        source, target = self.file(), self.file()
        if source.exists() and source != target:
            source.replace(target)

    def line(self) -> bytes:
        """Return one line: a row, or a malformed line."""
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
        if self.rng.random() < 0.15:
            return self.rng.choice(broken)
        return json.dumps(self.row()).encode()

    def row(self) -> dict[str, object]:
        """Return a row whose parent is the newest row, an older one, or missing."""
        rng = self.rng
        identity = f"u{rng.randrange(10**6)}"
        if self._ids and rng.random() < 0.05:
            identity = rng.choice(self._ids)
        parent = self._ids[-1] if self._ids else None
        if rng.random() < 0.15:
            parent = rng.choice([None, "lost", *self._ids[-9:]])
        self._ids.append(identity)
        # clocks may go backwards
        self._second += rng.choice((1, 2, 5, -100))
        kind = rng.choice(("user", "assistant", "assistant", "system"))
        message: object = {"role": kind, "content": self.content()}
        if kind == "assistant":
            usage = {"input_tokens": rng.randrange(9), "output_tokens": rng.randrange(99)}
            message = {
                "id": f"m{rng.randrange(30)}",
                "model": "claude-opus-4-5",
                "content": self.content(),
                "usage": rng.choice((usage, usage, None, 5, {"input_tokens": "x"})),
            }
        seconds = self._second % 60
        return {
            "type": kind,
            "uuid": identity,
            "parentUuid": parent,
            "message": rng.choice((message, message, message, message, None, "text")),
            "timestamp": f"2026-03-0{1 + self._second % 9}T10:00:{seconds:02}.000Z",
        }

    def content(self) -> object:
        rng = self.rng
        text = " ".join(rng.choices(("apple", "pear", "Zürich", "日本", "\u2028", "a\x00b"), k=4))
        block = {"type": "text", "text": text}
        return rng.choice((text, [block], [block, block], [block, 5, {"type": 3}], None, [], {}))
