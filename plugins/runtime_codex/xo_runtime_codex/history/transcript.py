"""One rollout file that may grow: keeps its rows, builds messages and usage."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from xo_cowork_core.sdk.kit import title_from_text
from xo_cowork_core.sdk.runtime.history import Message, SessionRecord
from xo_cowork_core.sdk.runtime.transcripts import Transcript, UsageRecord
from xo_runtime_codex.history.legacy_rollouts import LegacyRollouts
from xo_runtime_codex.history.messages import MessageBuilder, ModelCall
from xo_runtime_codex.history.rollouts import EPOCH, Base, Row, base_of, parse_line, session_of

ARCHIVE = "archived_sessions"
PAGINATED = "paginated"


class CodexTranscript(Transcript):
    """A rollout file. An archived one is no session itself, but may be the base of others."""

    def __init__(self, path: Path) -> None:
        self._session_id = session_of(path)
        self._archived = path.parent.name == ARCHIVE
        self._base: Base | None = None
        self._base_rows: Sequence[Row] = ()
        self._legacy: LegacyRollouts | None = None
        self._rows: list[Row] = []
        self._builder = MessageBuilder()
        self._built_rows = 0
        self._directory: str | None = None
        self._last = EPOCH

    @property
    def turns(self) -> Mapping[str, str]:
        """The turn that each user message started."""
        return self._updated_builder().turns

    def feed(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            row = parse_line(line, is_legacy=self._legacy is not None)
            if row is None:
                continue
            if row.kind == "session_meta":
                self._read_meta(row)
            self._last = max(self._last, row.time)
            self._rows += self._legacy.rows(row) if self._legacy else [row]

    def base(self) -> str | None:
        return self._base.rollout_id if self._base else None

    def continue_from(self, base: Transcript) -> None:
        if not isinstance(base, CodexTranscript) or self._base is None:
            return
        self._base_rows = base.rows_before(self._base.end)
        self._builder = MessageBuilder()
        self._builder.feed(self._base_rows)
        # the calls of the base are counted in the base's own file
        self._builder.restart_calls()
        self._built_rows = 0
        self._directory = self._directory or base.directory

    @property
    def directory(self) -> str | None:
        """The working folder of its turns."""
        return self._directory

    def rows_before(self, end: int) -> list[Row]:
        """Return the rows that are valid for a file that continues this one."""
        return [row for row in (*self._base_rows, *self._rows) if row.ordinal < end]

    def messages(self) -> Sequence[Message]:
        return self._updated_builder().messages

    def record(self) -> SessionRecord | None:
        messages = self.messages()
        if self._archived or (not messages and self._base is None):
            return None
        times = [message.time_created for message in messages if message.time_created > EPOCH]
        created = min(times, default=self._last)
        return SessionRecord(
            session_id=self._session_id,
            title=title_from_text(messages),
            directory=self._directory,
            message_count=len(messages),
            time_created=created,
            # an edit without a later turn counts too: its file is the newest
            time_updated=max(self._last, created),
        )

    def usage(self) -> Sequence[UsageRecord]:
        calls = self._updated_builder().calls
        return [_usage(key, call, self._session_id) for key, call in calls.items()]

    def _read_meta(self, row: Row) -> None:
        if not any(each.kind == "session_meta" for each in self._rows):
            self._base = base_of(row)
            self._legacy = None if row.body.get("history_mode") == PAGINATED else LegacyRollouts()
        cwd = row.body.get("cwd")
        if self._directory is None and isinstance(cwd, str) and cwd.startswith("/"):
            self._directory = cwd

    def _updated_builder(self) -> MessageBuilder:
        self._builder.feed(self._rows[self._built_rows :])
        self._built_rows = len(self._rows)
        return self._builder


def _usage(key: str, call: ModelCall, session_id: str) -> UsageRecord:
    return UsageRecord(
        key=key,
        time=call.time,
        model_id=call.model or "unknown",
        provider_id=call.provider or "",
        tokens=call.tokens,
        tools=tuple(call.tools),
        session_id=session_id,
    )
