"""Reads a stream of `data:` lines while it runs."""

import json
import threading
from types import TracebackType

import httpx

from xo_cowork_core.sdk.testing import LiveServer, eventually


class EventLines:
    """A reader of one route in a thread of its own. Use it as a context manager."""

    def __init__(self, server: LiveServer, path: str, body: object = None) -> None:
        self.events: list[dict[str, object]] = []
        self.status = 0
        self._url = server.base_url + path
        self._body = body
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._response: httpx.Response | None = None

    def __enter__(self) -> "EventLines":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._thread.join(30)

    def first(self, kind: str) -> dict[str, object]:
        """Wait for the first event of a type."""
        eventually(lambda: bool(self._of(kind)), 30, f"an event {kind} in {self.events}")
        return self._of(kind)[0]

    def texts(self, kind: str) -> list[object]:
        """The `line` of each event of a type."""
        return [event["line"] for event in self._of(kind)]

    def _of(self, kind: str) -> list[dict[str, object]]:
        return [event for event in list(self.events) if event["type"] == kind]

    def _read(self) -> None:
        with (
            httpx.Client(timeout=60, trust_env=False) as client,
            client.stream(
                "POST", self._url, json=self._body, headers={"accept": "text/event-stream"}
            ) as response,
        ):
            self.status = response.status_code
            for line in response.iter_lines():
                if line.startswith("data: "):
                    self.events.append(json.loads(line.removeprefix("data: ")))
