"""Transcripts: append-only history files, which the host reads incrementally and indexes."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from xo_cowork_core.sdk.events.base import Tokens
from xo_cowork_core.sdk.runtime.history import Message, SessionRecord
from xo_cowork_core.sdk.runtime.runtime import KeepsHistory


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """One model call. `key` is the same wherever the same call is written down again.

    `cost` is US dollars as the runtime recorded it, None when it didn't. `tools` names the tools
    that the answer called. `session_id` is given where the file is not that session's own.
    """

    key: str
    time: datetime
    model_id: str
    provider_id: str
    tokens: Tokens
    cost: float | None = None
    tools: Sequence[str] = ()
    session_id: str = ""


class Transcript(ABC):
    """The reader of one file. Used by one thread at a time; does no I/O."""

    @abstractmethod
    def feed(self, lines: Iterable[bytes]) -> None:
        """Take the next complete lines. Skip broken and unknown ones."""

    def base(self) -> str | None:
        """Name the transcript that this one goes on from, by its `transcript_id`, once that was
        read: after a fork, or an edit that began a new file. None for one that stands alone."""
        return None

    def go_on_from(self, base: "Transcript") -> None:  # noqa: B027  # most never name a base
        """Take the transcript that `base` named, which was read to its end: `record` and
        `messages` then begin with what holds of it, `usage` doesn't. At most once; not called
        where there is no such file."""

    @abstractmethod
    def record(self) -> SessionRecord | None:
        """Say which session this is, as far as it was read; None for a file that belongs to
        another's session or has no message yet. `time_updated` is of the last message: of several
        files of a session the newest tells it."""

    @abstractmethod
    def messages(self) -> Sequence[Message]:
        """Return the messages so far, oldest first."""

    def outline(self) -> Sequence[Message]:
        """Return the same messages for the index, which needs ids, roles, times and text parts:
        override it where leaving out all else is cheaper."""
        return self.messages()

    @abstractmethod
    def usage(self) -> Sequence[UsageRecord]:
        """Return every model call so far, also those of dropped branches and subagents."""


class KeepsTranscripts(KeepsHistory):
    """Keeps its history in files. The host then lists, searches and counts from its own index."""

    async def sessions(self) -> Sequence[SessionRecord]:
        """Return nothing: the host lists the sessions from its index."""
        return []

    async def session(self, session_id: str) -> SessionRecord | None:
        """Return a session that the index does not have yet; None unless overridden."""
        return None

    async def messages(self, session_id: str) -> Sequence[Message] | None:
        """Return the messages of a session that the index doesn't have; None unless overridden."""
        return None

    @abstractmethod
    def transcript_folders(self) -> Sequence[Path]:
        """The folders that hold transcripts, at any depth; they need not exist yet."""

    @abstractmethod
    def transcript_id(self, path: Path) -> str | None:
        """Name a file in these folders, as `Transcript.base` of others does; None for one that is
        no transcript. Must not touch the disk."""

    @abstractmethod
    def open_transcript(self, path: Path) -> Transcript:
        """Return a fresh reader for a file. Must not touch the disk."""
