"""Makes a home full of three runtimes' sessions, the same for the same seed: true shape, invented
words."""

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
FURTHER: Mapping[str, Callable[[Path, str, str], Line]] = MappingProxyType(
    {CLAUDE: claude.further, CODEX: codex.further, OPENCLAW: openclaw.further}
)


class Session(Protocol):
    """What each runtime's module offers."""

    session_id: str
    between_turns: bool

    def __init__(self, words: Words, cwd: Path, begun: datetime, *, dumps: bool) -> None: ...

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
class Made:
    """One session's file."""

    agent_name: str
    session_id: str
    path: Path

    def say(self, text: str, row_id: str) -> None:
        """Let a person say more in it."""
        row = FURTHER[self.agent_name](self.path, text, row_id)
        with self.path.open("ab") as file:
            file.write(orjson.dumps(row) + b"\n")


@dataclass(frozen=True, slots=True)
class Corpus:
    """What was made. `big` is the session with a file of 2.5 MB; `words` are some that occur, the
    commonest first."""

    files: tuple[Made, ...]
    size: int
    big: str
    words: tuple[str, ...]

    @property
    def mb(self) -> float:
        """Its size in MB (10^6 bytes)."""
        return self.size / 1e6

    def of(self, agent_name: str) -> list[Made]:
        """Return one runtime's."""
        return [made for made in self.files if made.agent_name == agent_name]


def make(
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
    files: list[Made] = []
    left, big = int(megabytes * 1e6), ""
    for number, name in enumerate(_names(words, mix, sessions)):
        share = left / (sessions - number)
        limit = share * words.between(0.5, 1.5)
        cwd = folders[number % len(folders)]
        begun = start + timedelta(days=words.between(0, DAYS - 0.2))
        session = SESSIONS[name](words, cwd, begun, dumps=dumps)
        if name == CLAUDE and not big and number >= sessions // 2 and share < BIG_BYTES < left / 4:
            limit, big = BIG_BYTES, session.session_id
        path = session.path(home)
        left -= _write(session, path, int(limit))
        files.append(Made(name, session.session_id, path))
        cwd.mkdir(parents=True, exist_ok=True)
    size = sum(made.path.stat().st_size for made in files)
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
