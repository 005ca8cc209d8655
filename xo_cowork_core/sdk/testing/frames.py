"""A strict parser of the chat stream: accepts only the framing that the wire contract states."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

from xo_cowork_core.sdk import AgentError, Done
from xo_cowork_core.sdk.events.base import JsonValue

Body: TypeAlias = Mapping[str, JsonValue]
TERMINAL = frozenset({Done.name, AgentError.name})
UNNUMBERED = frozenset({"heartbeat", "error", "desync"})


class FramingError(AssertionError):
    """The stream violates the wire contract."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of the stream; `id` is None when the server sent none."""

    id: int | None
    event: str
    data: Body

    @property
    def terminal(self) -> bool:
        return self.event in TERMINAL


class FrameParser:
    """Splits bytes into frames. Raises `FramingError` at the first violation."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        """Parse more bytes and yield the frames that are complete."""
        if b"\r" in chunk:
            raise FramingError("a carriage return: lines end in LF alone")
        *blocks, self._rest = (self._rest + chunk).split(b"\n\n")
        for block in blocks:
            yield _frame(block)

    def close(self) -> None:
        """Check that the stream does not end inside a frame."""
        if self._rest:
            raise FramingError(f"the stream ends inside a frame: {self._rest[:200]!r}")


class FrameOrder:
    """Checks the order of one reader's frames: contiguous ids, nothing after a terminal event.

    `last_id` is the id after which the reader starts.
    """

    def __init__(self, last_id: int) -> None:
        self.last_id: int = last_id
        self.ended = False
        self._gap_announced = False
        self._first = True

    def check(self, frame: Frame) -> None:
        """Check the next frame. Raises `FramingError`."""
        if self.ended:
            raise FramingError(f"{frame.event} after the terminal event")
        if frame.id is None:
            self._check_unnumbered(frame)
            return
        repeats_end = self._first and frame.terminal and frame.id <= self.last_id
        contiguous = frame.id == self.last_id + 1
        if not (contiguous or self._gap_announced or repeats_end):
            raise FramingError(f"id {frame.id} ({frame.event}) after {self.last_id}")
        self.last_id = frame.id
        self.ended = frame.terminal
        self._gap_announced = self._first = False

    def _check_unnumbered(self, frame: Frame) -> None:
        if frame.event not in UNNUMBERED:
            raise FramingError(f"{frame.event} without an id")
        if frame.event == "heartbeat" and frame.data:
            raise FramingError("a heartbeat with data")
        self._gap_announced = self._gap_announced or frame.event == "desync"
        self.ended = frame.event == "error"


def _frame(block: bytes) -> Frame:
    lines = block.decode("utf-8").split("\n")
    keys = [line.partition(": ")[0] for line in lines]
    if keys not in (["id", "event", "data"], ["event", "data"]):
        raise FramingError(f"not the lines id, event, data: {block[:200]!r}")
    values = [line.partition(": ")[2] for line in lines]
    data = json.loads(values[-1])
    if not isinstance(data, dict):
        raise FramingError(f"data is not an object: {values[-1][:200]}")
    number = int(values[0]) if len(values) == 3 else None
    return Frame(number, values[-2], cast("Body", data))
