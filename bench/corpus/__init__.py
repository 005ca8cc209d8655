"""Writes a home with sessions of three runtimes: real formats, invented words, one fixed seed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import orjson

from bench.corpus import claude, codex, openclaw
from bench.corpus.words import Line, ProseWords, Words

BIG_BYTES = 2_500_000
DAYS = 60
CLAUDE, CODEX, OPENCLAW = "claude_code", "codex", "openclaw"
FOLDERS = (claude.FOLDER, codex.FOLDER, openclaw.FOLDER)
MIX: Mapping[str, int] = MappingProxyType({CLAUDE: 6, CODEX: 3, OPENCLAW: 1})
MESSAGE_ROWS: Mapping[str, Callable[[Path, str, str], Line]] = MappingProxyType(
    {
        CLAUDE: claude.user_message_row,
        CODEX: codex.user_message_row,
        OPENCLAW: openclaw.user_message_row,
    }
)


class Session(Protocol):
    """The session class of each runtime's module."""

    session_id: str
    between_turns: bool

    def __init__(self, words: Words, cwd: Path, started_at: datetime, *, dumps: bool) -> None: ...

    def path(self, home: Path) -> Path: ...

    def rows(self) -> Iterator[Line]: ...


SESSIONS: Mapping[str, type[Session]] = MappingProxyType(
    {
        CLAUDE: claude.ClaudeSession,
        CODEX: codex.CodexSession,
        OPENCLAW: openclaw.OpenClawSession,
    }
)


@dataclass(frozen=True, slots=True)
class SessionFile:
    """One session's file."""

    agent_name: str
    session_id: str
    path: Path

    def add_message(self, text: str, row_id: str) -> None:
        """Append a message of the user."""
        row = MESSAGE_ROWS[self.agent_name](self.path, text, row_id)
        with self.path.open("ab") as file:
            file.write(orjson.dumps(row) + b"\n")


@dataclass(frozen=True, slots=True)
class Corpus:
    """A written history. `big` is the session with a file of 2.5 MB; `words` occur in messages, the
    most frequent first."""

    files: tuple[SessionFile, ...]
    size: int
    big: str
    words: tuple[str, ...]

    @property
    def mb(self) -> float:
        """Its size in MB (10^6 bytes)."""
        return self.size / 1e6

    def of(self, agent_name: str) -> list[SessionFile]:
        """Return the files of one runtime."""
        return [file for file in self.files if file.agent_name == agent_name]


def build_corpus(
    home: Path,
    *,
    sessions: int,
    megabytes: float,
    projects: int = 50,
    dumps: bool = True,
    mix: Mapping[str, int] = MIX,
    prose: bool = False,
) -> Corpus:
    """Write that many sessions, together about that large, one of them of 2.5 MB.

    `mix` gives each runtime's share; `dumps` also what programs write before the first words;
    `prose` writes long texts and few tool calls, so that conversation is 40 % of the bytes.
    """
    words = ProseWords() if prose else Words()
    folders = [home / "xo-projects" / f"project-{number:02}" for number in range(projects)]
    start = datetime.now(UTC) - timedelta(days=DAYS)
    files: list[SessionFile] = []
    left, big = int(megabytes * 1e6), ""
    for number, name in enumerate(_names(words, mix, sessions)):
        share = left / (sessions - number)
        limit = share * words.between(0.5, 1.5)
        cwd = folders[number % len(folders)]
        started_at = start + timedelta(days=words.between(0, DAYS - 0.2))
        session = SESSIONS[name](words, cwd, started_at, dumps=dumps)
        if name == CLAUDE and not big and number >= sessions // 2 and share < BIG_BYTES < left / 4:
            limit, big = BIG_BYTES, session.session_id
        path = session.path(home)
        left -= _write(session, path, int(limit))
        files.append(SessionFile(name, session.session_id, path))
        cwd.mkdir(parents=True, exist_ok=True)
    size = sum(file.path.stat().st_size for file in files)
    return Corpus(tuple(files), size, big or files[0].session_id, tuple(words.all))


def _names(words: Words, mix: Mapping[str, int], sessions: int) -> list[str]:
    parts = [name for name, share in mix.items() for _ in range(share)]
    return words.shuffled((parts * (sessions // len(parts) + 1))[:sessions])


def _write(session: Session, path: Path, limit: int) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with path.open("wb") as file:
        for row in session.rows():
            size += file.write(orjson.dumps(row) + b"\n")
            if size >= limit and session.between_turns:
                break
    return size
