"""What a test sees and disturbs of the requests: a log, faults, and answers that are held."""

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from xo_cowork_core.sdk.events.base import JsonValue

HOLD_SECONDS = 60.0
HOLD_STEP_SECONDS = 0.005
Endpoint: TypeAlias = Literal[
    "authorize",
    "token",
    "device",
    "register",
    "revoke",
    "introspect",
    "server_metadata",
    "resource_metadata",
    "userinfo",
]
ClientAuthentication: TypeAlias = Literal["none", "basic", "post", "bearer"]


@dataclass(frozen=True, slots=True)
class OAuthRequest:
    """One request that the server received: its parameters, and how the client authenticated.

    `parameters` are those of the query, the form or the JSON body; lists are joined by spaces.
    """

    endpoint: Endpoint
    parameters: Mapping[str, str]
    authentication: ClientAuthentication = "none"


@dataclass(slots=True)
class Fault:
    """An answer to give instead of the real one, `times` times."""

    endpoint: Endpoint
    status: int
    body: Mapping[str, JsonValue] | str
    headers: Mapping[str, str]
    times: int


class Hold:
    """Holds the answers of one endpoint back; the server has already carried out the requests.

    As a context manager it releases them on leaving. They go out after 60 s in any case.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._arrived = threading.Semaphore(0)
        self._released = threading.Event()

    def __enter__(self) -> "Hold":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def wait(self, timeout: float = 30.0) -> None:
        """Wait until one more answer is held. Raises AssertionError after `timeout` seconds."""
        assert self._arrived.acquire(timeout=timeout), f"no request came to {self.endpoint}"

    def release(self) -> None:
        """Send the answers that are held; later ones are not held."""
        self._released.set()

    async def pause(self) -> None:
        """Wait in the server's loop until the answer may go."""
        if self._released.is_set():
            return
        self._arrived.release()
        # the event is set in another thread, which can't wake this loop
        for _ in range(round(HOLD_SECONDS / HOLD_STEP_SECONDS)):
            if self._released.is_set():
                return
            await asyncio.sleep(HOLD_STEP_SECONDS)


@dataclass(slots=True)
class Exchanges:
    """The log of requests, and the faults and holds that wait for one. Safe between threads."""

    log: list[OAuthRequest] = field(default_factory=list[OAuthRequest])
    faults: list[Fault] = field(default_factory=list[Fault])
    holds: list[Hold] = field(default_factory=list[Hold])
    lock: threading.Lock = field(default_factory=threading.Lock)

    def record(self, request: OAuthRequest) -> None:
        """Add a request to the log."""
        with self.lock:
            self.log.append(request)

    def find(self, endpoint: Endpoint | None, parameters: Mapping[str, str]) -> list[OAuthRequest]:
        """Return the requests to an endpoint, or to all, that had these parameters."""
        with self.lock:
            return [
                request
                for request in self.log
                if endpoint in {None, request.endpoint}
                and parameters.items() <= request.parameters.items()
            ]

    def take_fault(self, endpoint: Endpoint) -> Fault | None:
        """Return the fault that the next request to an endpoint gets."""
        with self.lock:
            fault = next((fault for fault in self.faults if fault.endpoint == endpoint), None)
            if fault:
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
            return fault

    async def pause(self, endpoint: Endpoint) -> None:
        """Wait while a test holds the answers of an endpoint."""
        with self.lock:
            holds = [hold for hold in self.holds if hold.endpoint == endpoint]
        for hold in holds:
            await hold.pause()

    def clear(self) -> None:
        """Forget the log and the faults, and release what is held."""
        with self.lock:
            holds, self.holds = self.holds, []
            self.log.clear()
            self.faults.clear()
        for hold in holds:
            hold.release()
