"""The interface of a stream format: what an encoder does, and what the response needs to know."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from xo_cowork_core.services.eventlog.batches import EventBatch


class StreamEncoder(Protocol):
    """Encodes one stream for one reader. It may keep state from one batch to the next."""

    def open(self) -> bytes:
        """Return the bytes before the first batch; empty where the format has none."""
        ...

    def encode(self, batch: EventBatch) -> bytes:
        """Return the frames of a batch; with `batch.gap`, after a frame that reports the loss."""
        ...

    def heartbeat(self) -> bytes:
        """Return the frame that is sent after `HEARTBEAT_SECONDS` without an event."""
        ...

    def missing(self) -> bytes:
        """Return the only frame of a stream that does not exist."""
        ...


class StreamFormat(NamedTuple):
    """One wire format of event streams.

    `new_encoder` is called once for each reader. `shares_frames` says that the encoder keeps no
    state, so that the frames of a batch are encoded once for all readers.
    """

    name: str
    media_type: str
    new_encoder: Callable[[], StreamEncoder]
    shares_frames: bool = False
