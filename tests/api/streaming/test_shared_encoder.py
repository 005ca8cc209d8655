"""Frames that many readers share: made once, and let go of when they grow large."""

import tracemalloc

from xo_cowork_core.api.streaming.sse import SHARED_BYTES, SharedEncoder, encode
from xo_cowork_core.services.eventlog.batches import EventBatch, entry_of

LARGE_BYTES = 5_000_000


def block(first_id: int, size: int) -> EventBatch:
    return EventBatch(first_id, [entry_of("text-delta", b'{"text":"%b"}' % (b"x" * size))])


def test_readers_at_one_place_share_the_frames_of_even_a_large_block() -> None:
    encoder = SharedEncoder()
    large = block(7, LARGE_BYTES)
    first = encoder.of("stream")(large)
    assert first == encode(large)
    assert encoder.of("stream")(large) is first
    assert encoder.of("another stream")(large) is not first


def test_small_frames_stay_shared_while_others_come() -> None:
    shared = SharedEncoder().of("stream")
    blocks = [block(number, 100) for number in range(1, 9)]
    frames = [shared(one) for one in blocks]
    assert all(shared(one) is made for one, made in zip(blocks, frames, strict=True))


def test_frames_of_large_blocks_do_not_pile_up() -> None:
    shared = SharedEncoder().of("stream")
    tracemalloc.start()
    try:
        for number in range(1, 13):
            shared(block(number, LARGE_BYTES))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < SHARED_BYTES + 2 * LARGE_BYTES
