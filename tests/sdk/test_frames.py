"""The strict parser refuses what the contract rules out."""

import json

import pytest

from xo_cowork_core.sdk.testing import Frame, FrameParser, FramingError
from xo_cowork_core.sdk.testing.frames import FrameOrder

GOOD = b'id: 1\nevent: text-delta\ndata: {"text":"a"}\n\n'


def _parse(sent: bytes) -> list[Frame]:
    parser = FrameParser()
    frames = list(parser.feed(sent))
    parser.close()
    return frames


def _order(last_id: int, *frames: Frame) -> None:
    order = FrameOrder(last_id)
    for frame in frames:
        order.check(frame)


def test_a_frame_is_read_from_any_cut() -> None:
    for cut in range(len(GOOD)):
        parser = FrameParser()
        assert [*parser.feed(GOOD[:cut]), *parser.feed(GOOD[cut:])] == _parse(GOOD)


@pytest.mark.parametrize(
    "bad",
    [
        GOOD.replace(b"\n", b"\r\n"),
        b'event: done\nid: 1\ndata: {"a":1}\n\n',
        b"id: 1\nevent: done\ndata: {\ndata: }\n\n",
        b": comment\n\n",
        b"id: 1\nevent: done\ndata: []\n\n",
        b"id: 1\ndata: {}\n\n",
        b"\n\n",
        GOOD[:-1],
    ],
)
def test_other_framing_is_refused(bad: bytes) -> None:
    with pytest.raises(FramingError):
        _parse(bad)


def test_broken_json_is_refused() -> None:
    with pytest.raises(json.JSONDecodeError):
        _parse(b"id: 1\nevent: done\ndata: {\n\n")


DELTA, DONE = Frame(1, "text-delta", {}), Frame(2, "done", {})
DESYNC, BEAT = Frame(None, "desync", {}), Frame(None, "heartbeat", {})


@pytest.mark.parametrize(
    ("last_id", "frames"),
    [
        (0, [Frame(2, "text-delta", {})]),
        (0, [DELTA, DELTA]),
        (0, [DELTA, DONE, BEAT]),
        (0, [Frame(None, "text-delta", {})]),
        (0, [Frame(None, "heartbeat", {"a": 1})]),
        (5, [DELTA]),
    ],
)
def test_other_order_is_refused(last_id: int, frames: list[Frame]) -> None:
    with pytest.raises(FramingError):
        _order(last_id, *frames)


def test_announced_gaps_and_repeated_ends_are_allowed() -> None:
    _order(0, DELTA, BEAT, DESYNC, Frame(9, "text-delta", {}), Frame(10, "done", {}))
    _order(2, DONE)
    _order(7, DESYNC, DONE)
