"""What the index keeps of messages: text, day, response time; and their model calls."""

from collections.abc import Sequence
from datetime import UTC
from hashlib import blake2b
from typing import NamedTuple

from xo_cowork_core.sdk.runtime.history import Message, TextPart, ToolPart
from xo_cowork_core.sdk.runtime.transcripts import UsageRecord

LONGEST_SECONDS = 600.0
DIGEST_BYTES = 8


class IndexedMessage(NamedTuple):
    """What search and counts need of a message. `digest` differs when id or text differs;
    `seconds` is how long the answer took to begin, None for a user's message or a long pause."""

    number: int
    digest: bytes
    text: str
    day: str
    seconds: float | None


def indexed_messages(messages: Sequence[Message]) -> list[IndexedMessage]:
    """Return the text that people wrote and read, without tool output, with times."""
    indexed: list[IndexedMessage] = []
    previous: Message | None = None
    for number, message in enumerate(messages):
        texts = [part.text for part in message.parts if isinstance(part, TextPart)]
        text = texts[0] if len(texts) == 1 else "\n\n".join(texts)
        try:
            encoded = text.encode()
        except UnicodeEncodeError:
            encoded = text.encode("utf-8", "replace")
            text = encoded.decode()
        digest = blake2b(b"%b\0%b" % (message.id.encode(), encoded), digest_size=DIGEST_BYTES)
        day = message.time_created.astimezone(UTC).date().isoformat()
        seconds = _response_seconds(previous, message)
        indexed.append(IndexedMessage(number, digest.digest(), text, day, seconds))
        previous = message
    return indexed


def _response_seconds(previous: Message | None, message: Message) -> float | None:
    if previous is None or previous.role != "user" or message.role != "assistant":
        return None
    seconds = (message.time_created - previous.time_created).total_seconds()
    return seconds if 0 <= seconds <= LONGEST_SECONDS else None


def usage_of(session_id: str, messages: Sequence[Message]) -> list[UsageRecord]:
    """Return the model calls in messages of a store without transcripts."""
    return [
        UsageRecord(
            key=f"{session_id}:{message.id}",
            time=message.time_created,
            model_id=message.model_id or "unknown",
            provider_id=message.provider_id or "",
            tokens=message.tokens,
            cost=message.cost,
            tools=tuple(part.tool for part in message.parts if isinstance(part, ToolPart)),
            session_id=session_id,
        )
        for message in messages
        if message.tokens
    ]
