"""One connection to a server that is kept alive, and how long its answers take."""

import time
from http.client import HTTPConnection
from typing import cast

import orjson

from bench.measuring.proc import settle
from xo_cowork_core.sdk.testing import LiveServer


class Client:
    """Sends requests one after the other."""

    def __init__(self, server: LiveServer) -> None:
        settle(server.pid)
        self._http = HTTPConnection(server.base_url.removeprefix("http://"), timeout=60)

    def seconds(self, path: str) -> float:
        """Send one request; return how long the whole answer took."""
        begun = time.perf_counter()
        self.get(path)
        return time.perf_counter() - begun

    def get(self, path: str) -> dict[str, object]:
        """Return the body of an answer; one other than 200 is an error."""
        self._http.request("GET", path)
        answer = self._http.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}: {text[:300]!r}")
        return cast("dict[str, object]", orjson.loads(text))

    def close(self) -> None:
        self._http.close()
