"""Which readers of a stream share its frames."""

import asyncio
from dataclasses import dataclass, field

import pytest

from xo_cowork_core.api.streaming.encoder import StreamFormat
from xo_cowork_core.api.streaming.frame_cache import FrameCache
from xo_cowork_core.api.streaming.response import stream_response
from xo_cowork_core.api.streaming.sse import SseEncoder
from xo_cowork_core.services.eventlog.batches import EventBatch, entry_of


class CountingEncoder(SseEncoder):
    """Counts the batches that all readers together encode."""

    encoded = 0

    def encode(self, batch: EventBatch) -> bytes:
        type(self).encoded += 1
        return super().encode(batch)


@dataclass
class OneBatch:
    """Reads a stream of one batch."""

    batches: list[EventBatch] = field(
        default_factory=lambda: [EventBatch(1, [entry_of("done", b"{}")], terminal=True)]
    )

    async def next(self, _: float) -> EventBatch:
        return self.batches.pop()


@pytest.mark.parametrize(("shares_frames", "encoded"), [(True, 1), (False, 2)])
def test_frames_are_shared_where_the_format_says_so(*, shares_frames: bool, encoded: int) -> None:
    form = StreamFormat("counted", "text/event-stream", CountingEncoder, shares_frames)
    cache = FrameCache()
    CountingEncoder.encoded = 0

    async def read() -> list[bytes]:
        response = stream_response("s", OneBatch(), form, cache)
        return [frame async for frame in response.body_iterator]

    async def run() -> None:
        assert await read() == await read() != []

    asyncio.run(run())
    assert CountingEncoder.encoded == encoded
