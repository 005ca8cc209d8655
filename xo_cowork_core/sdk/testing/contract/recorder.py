"""Runs turns that several cases read once for all of them."""

from collections.abc import Callable, MutableMapping
from typing import Any

from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.sdk.testing.chat import Chat
from xo_cowork_core.sdk.testing.frames import Frame
from xo_cowork_core.sdk.testing.recording import Recording
from xo_cowork_core.sdk.testing.subject import RuntimeSubject

FIRST = "The quick brown fox. Twice: the quick brown fox."
Recordings = MutableMapping[tuple[str, ...], Recording]


class TurnRecorder:
    """Runs each prompt once per class of cases and returns the recording of that turn.

    A new session costs a real agent a new process, and the cases are many. A case uses `turn` or
    `answered_turn` when it only reads what a turn did, and `session_id` when it needs a turn of its
    own and any session will do. It must not change the session of a recorded turn; those of
    `first_turn`, `fail`, `die` and `invalid_records` excepted, whose cases continue the session.
    """

    def __init__(self, chat: Chat, subject: RuntimeSubject, recordings: Recordings) -> None:
        self._chat = chat
        self._subject = subject
        self._recordings = recordings

    def turn(self, prompt: str, **fields: JsonValue) -> Recording:
        """Return the recording of a turn, the first of a new session unless `fields` name one."""
        read = self._chat.read
        return self._record((prompt,), lambda: read(self._chat.prompt(prompt, **fields)))

    def answered_turn(
        self, prompt: str, event: str, response: JsonValue | Callable[[Frame], Any]
    ) -> Recording:
        """Return the recording of a turn of the session `session_id` whose first `event` was
        answered with `response`."""
        session_id, answer = self.session_id, self._chat.run_and_answer
        key = (prompt, event, str(response))
        return self._record(key, lambda: answer(prompt, event, response, session_id=session_id))

    @property
    def first_turn(self) -> Recording:
        """The first turn of the session `session_id`; the agent answers `FIRST`."""
        return self.turn(self._subject.say(FIRST))

    @property
    def session_id(self) -> str:
        """A session that takes a turn, shared by the cases that do not need a new one."""
        return self.first_turn.session_id

    @property
    def other_session_id(self) -> str:
        """A second shared session, for the cases with two turns at a time."""
        return self.turn(self._subject.say("Other.")).session_id

    def _record(self, key: tuple[str, ...], run: Callable[[], Recording]) -> Recording:
        if key not in self._recordings:
            self._recordings[key] = run()
        return self._recordings[key]
