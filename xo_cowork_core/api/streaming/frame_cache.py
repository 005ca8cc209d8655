"""Frames that several readers of one stream share."""

from collections.abc import Callable
from typing import TypeAlias

from xo_cowork_core.services.eventlog.batches import EventBatch

MAX_CACHED_BATCHES = 16
MAX_CACHED_BYTES = 4 << 20
Encode: TypeAlias = Callable[[EventBatch], bytes]
# format, stream id, first and last id
FrameKey: TypeAlias = tuple[str, str, int, int]


class FrameCache:
    """Encodes each batch once for all the readers at the same place of a stream.

    It keeps the newest frames whatever their size, and older ones within its two limits.
    """

    def __init__(self) -> None:
        self._frames: dict[FrameKey, bytes] = {}
        self._bytes = 0

    def share(self, format_name: str, stream_id: str, encode: Encode) -> Encode:
        """Return `encode` for one stream, with its results shared through this cache."""

        def encode_shared(batch: EventBatch) -> bytes:
            if batch.gap:
                # the gap is this reader's own
                return encode(batch)
            key = (format_name, stream_id, batch.first_id, batch.last_id)
            frames = self._frames.get(key)
            if frames is None:
                frames = encode(batch)
                self._add(key, frames)
            return frames

        return encode_shared

    def _add(self, key: FrameKey, frames: bytes) -> None:
        self._frames[key] = frames
        self._bytes += len(frames)
        while len(self._frames) > 1 and self._is_over_limit:
            self._bytes -= len(self._frames.pop(next(iter(self._frames))))

    @property
    def _is_over_limit(self) -> bool:
        return len(self._frames) > MAX_CACHED_BATCHES or self._bytes > MAX_CACHED_BYTES
