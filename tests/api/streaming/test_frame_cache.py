"""Frames that many readers share: made once, and let go of when they grow large."""

import tracemalloc

from xo_cowork_core.api.streaming.frame_cache import MAX_CACHED_BYTES, FrameCache
from xo_cowork_core.api.streaming.sse import SseEncoder
from xo_cowork_core.services.eventlog.batches import EventBatch, entry_of

LARGE_BYTES = 5_000_000


encode = SseEncoder().encode


def batch(first_id: int, size: int) -> EventBatch:
    return EventBatch(first_id, [entry_of("text-delta", b'{"text":"%b"}' % (b"x" * size))])


def test_readers_at_one_place_share_the_frames_of_even_a_large_batch() -> None:
    cache = FrameCache()
    large = batch(7, LARGE_BYTES)
    first = cache.share("sse", "stream", encode)(large)
    assert first == encode(large)
    assert cache.share("sse", "stream", encode)(large) is first
    assert cache.share("sse", "another stream", encode)(large) is not first
    assert cache.share("other", "stream", encode)(large) is not first


def test_small_frames_stay_shared_while_others_come() -> None:
    shared = FrameCache().share("sse", "stream", encode)
    batches = [batch(number, 100) for number in range(1, 9)]
    frames = [shared(one) for one in batches]
    assert all(shared(one) is made for one, made in zip(batches, frames, strict=True))


def test_frames_of_large_batches_do_not_pile_up() -> None:
    shared = FrameCache().share("sse", "stream", encode)
    tracemalloc.start()
    try:
        for number in range(1, 13):
            shared(batch(number, LARGE_BYTES))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < MAX_CACHED_BYTES + 2 * LARGE_BYTES
