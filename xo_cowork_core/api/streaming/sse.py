"""The stream format `sse`: Server-Sent Events as the contract frames them (§2).

LF line ends, `id`, `event`, one-line `data`, blank line.
"""

from xo_cowork_core.api.streaming.encoder import StreamFormat
from xo_cowork_core.services.eventlog.batches import EventBatch

HEARTBEAT = b"event: heartbeat\ndata: {}\n\n"
DESYNC = (
    b'event: desync\ndata: {"reason":"Part of this stream is lost; fetch the messages again"}\n\n'
)
MISSING = b'event: error\ndata: {"error_message":"Stream not found"}\n\n'


class SseEncoder:
    """Encodes a stream as Server-Sent Events. It keeps no state."""

    def open(self) -> bytes:
        """Return no bytes: the format has no opening."""
        return b""

    def encode(self, batch: EventBatch) -> bytes:
        """Return one frame for each entry, after a `desync` where ids before them are lost."""
        frames: list[bytes] = []
        for number, entry in enumerate(batch.entries, start=batch.first_id):
            name, _, data = entry.partition(b" ")
            frames.append(b"id: %d\nevent: %b\ndata: %b\n\n" % (number, name, data))
        return (DESYNC if batch.gap else b"") + b"".join(frames)

    def heartbeat(self) -> bytes:
        """Return the heartbeat event; comments do not keep these clients alive."""
        return HEARTBEAT

    def missing(self) -> bytes:
        """Return the error event for an unknown stream id."""
        return MISSING


SSE = StreamFormat("sse", "text/event-stream", SseEncoder, shares_frames=True)
