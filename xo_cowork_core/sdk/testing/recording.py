"""All frames that a reader received of one turn."""

from collections.abc import Sequence
from dataclasses import dataclass

from xo_cowork_core.sdk.testing.frames import Body, Frame


@dataclass(frozen=True, slots=True)
class Recording:
    """The frames of a turn in order, with the turn's ids."""

    stream_id: str
    session_id: str
    frames: Sequence[Frame]

    @property
    def text(self) -> str:
        """The turn's text: the deltas after the last `desync`, joined."""
        pieces: list[str] = []
        for frame in self.frames:
            if frame.event == "desync":
                pieces.clear()
            elif frame.event == "text-delta":
                pieces.append(str(frame.data["text"]))
        return "".join(pieces)

    @property
    def events(self) -> list[str]:
        """The names of the events without heartbeats."""
        return [frame.event for frame in self.frames if frame.event != "heartbeat"]

    @property
    def ids(self) -> list[int]:
        """The ids of the numbered frames."""
        return [frame.id for frame in self.frames if frame.id is not None]

    @property
    def terminal(self) -> Frame:
        """The terminal frame. Raises AssertionError unless there is exactly one."""
        ends = [frame for frame in self.frames if frame.terminal]
        assert len(ends) == 1, f"terminal events: {[end.event for end in ends]}"
        return ends[0]

    @property
    def tool_calls(self) -> list[Body]:
        """The data of each `tool-call`, with the arguments and the title that updates gave."""
        calls: dict[str, Body] = {}
        for frame in self.frames:
            call_id = str(frame.data.get("call_id"))
            if frame.event == "tool-call":
                calls[call_id] = frame.data
            elif frame.event == "tool-update" and call_id in calls:
                calls[call_id] = {**calls[call_id], **frame.data}
        return list(calls.values())

    def bodies(self, event: str) -> list[Body]:
        """Return the data of every frame of this name."""
        return [frame.data for frame in self.frames if frame.event == event]

    def body(self, event: str) -> Body:
        """Return the data of the only frame of this name. Raises AssertionError otherwise."""
        bodies = self.bodies(event)
        assert len(bodies) == 1, f"{len(bodies)} {event} in {self.events}"
        return bodies[0]
