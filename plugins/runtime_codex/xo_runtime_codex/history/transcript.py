"""One rollout while it grows: rows kept, messages and usage made of them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from xo_cowork_core.sdk import Message, SessionRecord, Transcript, UsageRecord, title_from_text
from xo_runtime_codex.history.legacy_rollouts import LegacyRollouts
from xo_runtime_codex.history.messages import Call, Hydration
from xo_runtime_codex.history.rollouts import EPOCH, Base, Row, base_of, parse_line, session_of

ARCHIVE = "archived_sessions"
PAGINATED = "paginated"


class CodexTranscript(Transcript):
    """A file of `sessions/`, or one that was archived: that tells no session, but others may go on
    from it."""

    def __init__(self, path: Path) -> None:
        self._session_id = session_of(path)
        self._archived = path.parent.name == ARCHIVE
        self._base: Base | None = None
        self._before: Sequence[Row] = ()
        self._older: LegacyRollouts | None = None
        self._rows: list[Row] = []
        self._story = Hydration()
        self._told = 0
        self._directory: str | None = None
        self._last = EPOCH

    @property
    def turns(self) -> Mapping[str, str]:
        """Which turn each message of the user's began."""
        return self._up_to_date().turns

    def feed(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            row = parse_line(line, older=self._older is not None)
            if row is None:
                continue
            if row.kind == "session_meta":
                self._begin(row)
            self._last = max(self._last, row.time)
            self._rows += self._older.rows(row) if self._older else [row]

    def base(self) -> str | None:
        return self._base.rollout_id if self._base else None

    def go_on_from(self, base: Transcript) -> None:
        if not isinstance(base, CodexTranscript) or self._base is None:
            return
        self._before = base.rows_before(self._base.end)
        self._story = Hydration()
        self._story.feed(self._before)
        # its calls are counted where they are written down
        self._story.forget_calls()
        self._told = 0
        self._directory = self._directory or base.directory

    @property
    def directory(self) -> str | None:
        """Where its turns run."""
        return self._directory

    def rows_before(self, end: int) -> list[Row]:
        """Return the rows that still hold for a file that goes on from here."""
        return [row for row in (*self._before, *self._rows) if row.ordinal < end]

    def messages(self) -> Sequence[Message]:
        return self._up_to_date().messages

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
            # also of an edit that nothing was said after: it makes its file the newest
            time_updated=max(self._last, created),
        )

    def usage(self) -> Sequence[UsageRecord]:
        calls = self._up_to_date().calls
        return [_usage(key, call, self._session_id) for key, call in calls.items()]

    def _begin(self, row: Row) -> None:
        if not any(each.kind == "session_meta" for each in self._rows):
            self._base = base_of(row)
            self._older = None if row.body.get("history_mode") == PAGINATED else LegacyRollouts()
        cwd = row.body.get("cwd")
        if self._directory is None and isinstance(cwd, str) and cwd.startswith("/"):
            self._directory = cwd

    def _up_to_date(self) -> Hydration:
        self._story.feed(self._rows[self._told :])
        self._told = len(self._rows)
        return self._story


def _usage(key: str, call: Call, session_id: str) -> UsageRecord:
    return UsageRecord(
        key=key,
        time=call.time,
        model_id=call.model or "unknown",
        provider_id=call.provider or "",
        tokens=call.tokens,
        tools=tuple(call.tools),
        session_id=session_id,
    )
