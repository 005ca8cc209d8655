"""The response that sends a stream: stop five of a turn, the same for every format."""

from collections.abc import AsyncIterator, Callable
from typing import Protocol

import anyio
from sse_starlette.sse import EventSourceResponse

from xo_cowork_core.api.streaming.encoder import StreamEncoder, StreamFormat
from xo_cowork_core.api.streaming.frame_cache import Encode, FrameCache
from xo_cowork_core.services.eventlog.batches import EventBatch

HEARTBEAT_SECONDS = 15.0


class StreamReader(Protocol):
    """A client's place in a stream."""

    async def next(self, timeout: float) -> EventBatch | None:
        """Return the next events, or None after `timeout` seconds of silence."""
        ...


def load_async_backend() -> None:
    """Import what the first stream would import, which takes 15 ms.

    For a thread without an event loop: anyio imports its backend to run something.
    """
    anyio.run(anyio.sleep, 0)


def stream_response(
    stream_id: str,
    reader: StreamReader | None,
    stream_format: StreamFormat,
    cache: FrameCache,
    *,
    on_end: Callable[[], None] | None = None,
) -> EventSourceResponse:
    """Send a stream from its reader's place on; without a reader, send that it is missing.

    `on_end` is called when the stream has ended or its client has left.
    """
    encoder = stream_format.new_encoder()
    if reader is None:
        frames = _missing_stream(encoder)
    elif stream_format.shares_frames:
        encode = cache.share(stream_format.name, stream_id, encoder.encode)
        frames = _stream_frames(reader, encoder, encode)
    else:
        frames = _stream_frames(reader, encoder, encoder.encode)
    if on_end is not None:
        frames = _call_at_end(frames, on_end)
    # it ends the stream when the client leaves or the server stops, whatever the media type
    return EventSourceResponse(
        frames,
        media_type=stream_format.media_type,
        headers={"Cache-Control": "no-cache"},
        sep="\n",
        ping=0,
    )


async def _stream_frames(
    reader: StreamReader, encoder: StreamEncoder, encode: Encode
) -> AsyncIterator[bytes]:
    opening = encoder.open()
    if opening:
        yield opening
    while True:
        batch = await reader.next(HEARTBEAT_SECONDS)
        if batch is None:
            yield encoder.heartbeat()
            continue
        yield encode(batch)
        if batch.terminal:
            return


async def _call_at_end(
    frames: AsyncIterator[bytes], on_end: Callable[[], None]
) -> AsyncIterator[bytes]:
    try:
        async for frame in frames:
            yield frame
    finally:
        on_end()


async def _missing_stream(encoder: StreamEncoder) -> AsyncIterator[bytes]:
    yield encoder.open() + encoder.missing()
