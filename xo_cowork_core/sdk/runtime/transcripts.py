"""Transcripts: append-only history files, which the host reads incrementally and indexes."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from xo_cowork_core.sdk.events.base import Tokens
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_cowork_core.sdk.runtime.history import Message, SessionRecord
from xo_cowork_core.sdk.runtime.runtime import KeepsHistory

__all__ = [
    "KeepsTranscripts",
    "Transcript",
    "UsageRecord",
]


@frozen_dataclass
class UsageRecord:
    """One model call. `key` is the same wherever the same call is recorded again.

    `cost` is in US dollars as the runtime recorded it, None when it didn't. `tools` are the names
    of the tools that the answer called. `session_id` is empty when the call belongs to the file's
    own session.
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
    """Parses one file. Used by one thread at a time; does no I/O."""

    @abstractmethod
    def feed(self, lines: Iterable[bytes]) -> None:
        """Parse the next complete lines. Skip broken and unknown ones."""

    def base(self) -> str | None:
        """Return the `transcript_id` of the transcript that this one continues.

        A file continues another after a fork, or after an edit that began a new file. None until
        the line that names the other has been read, and for a file that continues none.
        """
        return None

    def continue_from(self, base: "Transcript") -> None:  # noqa: B027  # most never name a base
        """Receive the transcript that `base` named, read to its end.

        `record` and `messages` then begin with the part of it that this file continues; `usage`
        does not. Called at most once, and not when that file does not exist.
        """

    @abstractmethod
    def record(self) -> SessionRecord | None:
        """Return the session, as far as the file has been read.

        None for a file that belongs to another session, and for one without a message yet.
        `time_updated` is the time of the last message: of several files of one session the host
        uses the newest.
        """

    @abstractmethod
    def messages(self) -> Sequence[Message]:
        """Return the messages so far, oldest first."""

    def outline(self) -> Sequence[Message]:
        """Return the messages for the index, which needs only ids, roles, times and text parts.

        Override it when leaving out all other parts is cheaper.
        """
        return self.messages()

    @abstractmethod
    def usage(self) -> Sequence[UsageRecord]:
        """Return every model call so far, also those of dropped branches and subagents."""


class KeepsTranscripts(KeepsHistory):
    """Keeps its history in files, from which the host builds its index of sessions and usage."""

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
        """Return the folders with transcripts at any depth; they need not exist yet."""

    @abstractmethod
    def transcript_id(self, path: Path) -> str | None:
        """Return the id by which `Transcript.base` names a file in these folders.

        None for a file that is not a transcript. Must not touch the disk.
        """

    @abstractmethod
    def open_transcript(self, path: Path) -> Transcript:
        """Return a new reader for a file. Must not touch the disk."""
