"""Blocks of a stream as Server-Sent Events: stop five of a turn.

The framing is the contract's: LF line ends, `id`, `event`, one-line `data`, blank line.
"""

from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

import anyio
from sse_starlette.sse import EventSourceResponse

from xo_cowork_core.services.eventlog.batches import EventBatch
from xo_cowork_core.services.eventlog.reader import Reader

HEARTBEAT_SECONDS = 15.0
HEARTBEAT = b"event: heartbeat\ndata: {}\n\n"
DESYNC = (
    b'event: desync\ndata: {"reason":"Part of this stream is lost; fetch the messages again"}\n\n'
)
NOT_FOUND = b'event: error\ndata: {"error_message":"Stream not found"}\n\n'
SHARED_BLOCKS = 16
SHARED_BYTES = 4 << 20
Encoder = Callable[[EventBatch], bytes]
Place: TypeAlias = tuple[str, int, int]


def load() -> None:
    """Load what else the first stream would load, holding up the event loop for 15 ms. Needs a
    running event loop, to know whose part of anyio it is."""
    anyio.get_cancelled_exc_class()


def encode(block: EventBatch) -> bytes:
    """Return a block's entries as frames, after a `desync` where ids before it are lost."""
    frames: list[bytes] = []
    for number, entry in enumerate(block.entries, start=block.first_id):
        name, _, data = entry.partition(b" ")
        frames.append(b"id: %d\nevent: %b\ndata: %b\n\n" % (number, name, data))
    return (DESYNC if block.gap else b"") + b"".join(frames)


class SharedEncoder:
    """Encodes each block once for all the readers that are at the same place of a stream.

    It keeps the newest frames whatever their size, and older ones within its two bounds.
    """

    def __init__(self) -> None:
        self._frames: dict[Place, bytes] = {}
        self._bytes = 0

    def of(self, stream_id: str) -> Encoder:
        """Return the encoder of one stream's readers."""

        def shared(block: EventBatch) -> bytes:
            if block.gap:
                return encode(block)
            place = (stream_id, block.first_id, block.last_id)
            frames = self._frames.get(place)
            if frames is None:
                frames = encode(block)
                self._keep(place, frames)
            return frames

        return shared

    def _keep(self, place: Place, frames: bytes) -> None:
        self._frames[place] = frames
        self._bytes += len(frames)
        while len(self._frames) > 1 and self._over:
            self._bytes -= len(self._frames.pop(next(iter(self._frames))))

    @property
    def _over(self) -> bool:
        return len(self._frames) > SHARED_BLOCKS or self._bytes > SHARED_BYTES


def stream_response(reader: Reader | None, encoder: Encoder) -> EventSourceResponse:
    """Answer with a reader's stream; without a reader, with the one event that says so."""
    return EventSourceResponse(
        _frames(reader, encoder) if reader else _unknown(),
        headers={"Cache-Control": "no-cache"},
        sep="\n",
        ping=0,
    )


async def _frames(reader: Reader, encoder: Encoder) -> AsyncIterator[bytes]:
    while True:
        block = await reader.next(HEARTBEAT_SECONDS)
        if block is None:
            yield HEARTBEAT
            continue
        yield encoder(block)
        if block.terminal:
            return


async def _unknown() -> AsyncIterator[bytes]:
    yield NOT_FOUND
