"""Reads and checks the event stream of one turn."""

import time
from collections.abc import Generator, Iterator

import httpx

from xo_cowork_core.sdk.testing.frames import Frame, FrameOrder, FrameParser, FramingError

WAIT_SECONDS = 60.0
SILENCE_SECONDS = 30.0


class EventStream:
    """Opens `/api/chat/stream/{stream_id}` and yields its frames, each checked.

    `after` is sent as `Last-Event-ID`, `query` is appended to the URL. `frames` has all frames
    received so far. Raises `FramingError` when framing, headers or order violate the wire contract,
    AssertionError when a wait exceeds its limit. Leaving the context closes the connection.
    """

    def __init__(
        self, client: httpx.Client, stream_id: str, *, after: int | None = None, query: str = ""
    ) -> None:
        headers = {} if after is None else {"Last-Event-ID": str(after)}
        request = client.build_request(
            "GET",
            f"/api/chat/stream/{stream_id}{query}",
            headers=headers,
            timeout=httpx.Timeout(SILENCE_SECONDS),
        )
        self.frames: list[Frame] = []
        self._response = client.send(request, stream=True)
        self._order = FrameOrder(after or 0)
        self._parser = FrameParser()
        self._incoming = self._read()
        self._check_head()

    def __enter__(self) -> "EventStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        return self._incoming

    def close(self) -> None:
        """Close the connection."""
        self._incoming.close()
        self._response.close()

    def wait_for(self, event: str, seconds: float = WAIT_SECONDS) -> Frame:
        """Read until a frame of this name arrives, and return it."""
        deadline = time.monotonic() + seconds
        for frame in self._incoming:
            if frame.event == event:
                return frame
            assert time.monotonic() < deadline, f"no {event} within {seconds:g} s"
        raise AssertionError(f"the stream ended without {event}: {self._names()}")

    def rest(self, seconds: float = WAIT_SECONDS) -> list[Frame]:
        """Read to the end and return all frames, including those read before.

        Heartbeats are left out: a slow turn has them, and its replay has not.
        """
        deadline = time.monotonic() + seconds
        for _ in self._incoming:
            assert time.monotonic() < deadline, f"no end within {seconds:g} s: {self._names()}"
        assert self._order.ended, f"the stream ended without a terminal event: {self._names()}"
        return [frame for frame in self.frames if frame.event != "heartbeat"]

    def start_at(self, last_id: int) -> "EventStream":
        """Expect ids after `last_id`, for a stream that the query made start there."""
        self._order = FrameOrder(last_id)
        return self

    def _read(self) -> Generator[Frame, None, None]:
        for chunk in self._response.iter_raw():
            for frame in self._parser.feed(chunk):
                self._order.check(frame)
                self.frames.append(frame)
                yield frame
        self._parser.close()

    def _check_head(self) -> None:
        head = self._response.headers
        expected = {"cache-control": "no-cache", "x-accel-buffering": "no"}
        is_event_stream = head.get("content-type", "").startswith("text/event-stream")
        headers_match = all(head.get(name) == value for name, value in expected.items())
        if self._response.status_code != 200 or not is_event_stream or not headers_match:
            self._response.close()
            raise FramingError(f"status {self._response.status_code}, headers {dict(head)}")

    def _names(self) -> list[str]:
        return [frame.event for frame in self.frames[-20:]]
