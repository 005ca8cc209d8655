"""What a test does to requests: it answers them with errors, holds them, and reads their log."""

import asyncio
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.responses import JSONResponse, Response

from xo_cowork_core.sdk.events.base import JsonValue

HOLD_SECONDS = 30.0
STEP_SECONDS = 0.005


@dataclass(slots=True)
class RequestFault:
    """An answer to give `times` times instead of the real one, after `after` requests."""

    method: str
    path: re.Pattern[str]
    status: int
    body: Mapping[str, JsonValue]
    headers: Mapping[str, str]
    times: int
    after: int = 0

    def fits(self, method: str, path: str) -> bool:
        """Return whether a request gets this answer."""
        return self.method in {"", method} and self.path.search(path) is not None


@dataclass(slots=True)
class RequestHold:
    """Holds requests back before they have any effect, until `release` or for 30 s."""

    method: str
    path: re.Pattern[str]
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    released: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "RequestHold":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def wait(self, timeout: float = 20.0) -> None:
        """Wait until one more request is held."""
        assert self.arrived.acquire(timeout=timeout), f"no {self.method} {self.path.pattern} came"

    def release(self) -> None:
        """Let the requests go on; later ones are not held."""
        self.released.set()


class RequestFaults:
    """The faults and holds that wait for requests, and the log of these. Safe between threads."""

    def __init__(self) -> None:
        self.log: list[tuple[str, str]] = []
        self._faults: list[RequestFault] = []
        self._holds: list[RequestHold] = []
        self._lock = threading.Lock()

    def add(self, fault: RequestFault) -> None:
        """Let the next requests that fit meet a fault."""
        with self._lock:
            self._faults.append(fault)

    def hold(self, method: str, path: str) -> RequestHold:
        """Hold the requests of a method whose path has a match of a regular expression."""
        hold = RequestHold(method, re.compile(path))
        with self._lock:
            self._holds.append(hold)
        return hold

    def clear(self) -> None:
        """Forget the log and the faults, and release what is held."""
        with self._lock:
            holds, self._holds = self._holds, []
            self._faults.clear()
            self.log.clear()
        for hold in holds:
            hold.release()

    async def meet(self, method: str, path: str) -> Response | None:
        """Log a request, wait while it is held, and return the answer of its fault."""
        with self._lock:
            self.log.append((method, path))
            holds = [
                each for each in self._holds if each.method == method and each.path.search(path)
            ]
        for hold in holds:
            await _wait(hold)
        with self._lock:
            fault = next((each for each in self._faults if each.fits(method, path)), None)
            if fault is None:
                return None
            if fault.after > 0:
                fault.after -= 1
                return None
            fault.times -= 1
            if fault.times <= 0:
                self._faults.remove(fault)
        return JSONResponse(dict(fault.body), fault.status, dict(fault.headers))


async def _wait(hold: RequestHold) -> None:
    if hold.released.is_set():
        return
    hold.arrived.release()
    # the event is set in another thread, which can't wake this loop
    for _ in range(round(HOLD_SECONDS / STEP_SECONDS)):
        if hold.released.is_set():
            return
        await asyncio.sleep(STEP_SECONDS)
