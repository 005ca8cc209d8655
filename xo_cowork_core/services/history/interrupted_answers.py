"""What agents with a store of their own had answered when the server was killed.

An agent stores a text when it is complete, so a text that was cut is only in the event log, which
is pruned. The start that closes the turn copies it here; readers of the session's messages get what
the agent's store lacks of it.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from xo_cowork_core.sdk.runtime.history import Message, Part, ReasoningPart, TextPart, ToolPart
from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.history.host_history import decode, encode
from xo_cowork_core.storage.database import Database

CONTENT = (TextPart, ReasoningPart, ToolPart)


class InterruptedAnswer(NamedTuple):
    """The recorded part of an answer. Its prompt was made in the time from `prompted_at` to
    `closed_at`, when the next server closed the turn."""

    prompted_at: datetime
    closed_at: datetime
    message: Message


class InterruptedAnswers:
    """Reads these answers. Rows are only added before the first request of a server."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._session_ids: frozenset[str] | None = None

    async def complete(self, session_id: str, messages: Sequence[Message]) -> Sequence[Message]:
        """Return the messages of an agent's store with what it lacks of interrupted answers."""
        if self._session_ids is None:
            self._session_ids = await self._database.read(_session_ids)
        if session_id not in self._session_ids:
            return messages
        answers = await self._database.read(lambda connection: _select(connection, session_id))
        for answer in answers:
            messages = add_answer(messages, answer)
        return messages


def insert_interrupted(
    connection: sqlite3.Connection, session_id: str, answer: InterruptedAnswer
) -> None:
    """Store an answer, unless it has no content."""
    if any(isinstance(part, CONTENT) for part in answer.message.parts):
        connection.execute(
            "INSERT OR REPLACE INTO interrupted_answers"
            " (message_id, session_id, prompted_at, closed_at, body) VALUES (?, ?, ?, ?, ?)",
            (
                answer.message.id,
                session_id,
                stamp(answer.prompted_at),
                stamp(answer.closed_at),
                encode(answer.message),
            ),
        )


def add_answer(messages: Sequence[Message], answer: InterruptedAnswer) -> Sequence[Message]:
    """Insert what `messages` lack of an answer after those of its turn.

    Without its prompt, which an edit has dropped, the answer is left out.
    """
    first, end = _find_turn(messages, answer)
    if first == end:
        return messages
    parts = _missing_parts(answer.message.parts, messages[first + 1 : end])
    if not parts:
        return messages
    latest = max(message.time_created for message in messages[first:end])
    time_created = max(answer.message.time_created, latest)
    added = replace(answer.message, parts=parts, time_created=time_created)
    return [*messages[:end], added, *messages[end:]]


def _find_turn(messages: Sequence[Message], answer: InterruptedAnswer) -> tuple[int, int]:
    """Return the places of a turn's prompt and of the message after its last one; equal when it has
    no prompt. What an agent adds when it resumes the session is not the turn's."""
    for first, prompt in enumerate(messages):
        is_of_turn = answer.prompted_at <= prompt.time_created <= answer.closed_at
        if prompt.role == "user" and is_of_turn:
            end = first + 1
            while end < len(messages) and _continues(messages[end], answer):
                end += 1
            return first, end
    return 0, 0


def _continues(message: Message, answer: InterruptedAnswer) -> bool:
    return message.role == "assistant" and message.time_created <= answer.closed_at


def _missing_parts(recorded: Iterable[Part], stored: Sequence[Message]) -> tuple[Part, ...]:
    parts = [part for message in stored for part in message.parts]
    calls = {part.call_id for part in parts if isinstance(part, ToolPart)}
    texts = [part for part in parts if isinstance(part, TextPart | ReasoningPart)]
    missing: list[Part] = []
    for part in recorded:
        if isinstance(part, TextPart | ReasoningPart):
            stored_texts = [other.text for other in texts if type(other) is type(part)]
            if text := _missing_text(part.text, stored_texts):
                missing.append(replace(part, text=text))
        elif isinstance(part, ToolPart) and part.call_id not in calls:
            missing.append(part)
    return tuple(missing)


def _missing_text(recorded: str, stored: Sequence[str]) -> str:
    """Return the end of a recorded text that is in none of the stored ones.

    The end of a recorded text may be the beginning of a stored one: the agent was ahead.
    """
    rest = recorded.strip()
    for text in map(str.strip, stored):
        if text and rest.startswith(text):
            rest = rest[len(text) :].lstrip()
    return "" if any(rest in text for text in stored) else rest


def _session_ids(connection: sqlite3.Connection) -> frozenset[str]:
    rows = connection.execute("SELECT session_id FROM interrupted_answers").fetchall()
    return frozenset(session_id for (session_id,) in rows)


def _select(connection: sqlite3.Connection, session_id: str) -> list[InterruptedAnswer]:
    rows = connection.execute(
        "SELECT prompted_at, closed_at, body FROM interrupted_answers WHERE session_id = ?"
        " ORDER BY prompted_at",
        (session_id,),
    ).fetchall()
    return [
        InterruptedAnswer(
            datetime.fromisoformat(prompted_at), datetime.fromisoformat(closed_at), decode(body)
        )
        for prompted_at, closed_at, body in rows
    ]
