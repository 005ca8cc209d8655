"""The server of local models on this machine: Ollama, asked over its HTTP API on loopback.

The answer is cached for `FRESH_SECONDS`. At most one request runs at a time, in a task of its own,
which ends within `ASK_SECONDS`; callers that come meanwhile share it.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, cast

from xo_cowork_core.sdk import HttpClient, XoError
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.storage.encodable_text import encodable

PROVIDER = "ollama"
PROGRAM = "ollama"
MODELS_PATH = "/api/tags"
ASK_SECONDS = 1.0
FRESH_SECONDS = 2.0
MAX_MODELS = 1000
OK = 200


class LocalModel(NamedTuple):
    """A model on this machine; `size` in bytes."""

    name: str
    size: int
    modified_at: str


class LocalModelState(NamedTuple):
    """Whether the program is installed, whether its server answers, and its models."""

    installed: bool
    running: bool
    models: Sequence[LocalModel] = ()


class LocalModels:
    """Asks the server at `url`, which is on loopback."""

    def __init__(
        self,
        http: HttpClient,
        clock: Clock,
        *,
        url: str,
        find_program: Callable[[str], Path | None],
    ) -> None:
        self._http = http
        self._clock = clock
        self._url = url.rstrip("/") + MODELS_PATH
        self._find_program = find_program
        # the monotonic time of the check and its result
        self._cached: tuple[float, LocalModelState] | None = None
        self._check: asyncio.Task[LocalModelState] | None = None

    async def state(self) -> LocalModelState:
        """Return the state, no older than `FRESH_SECONDS`."""
        if self._cached and self._clock.monotonic() - self._cached[0] < FRESH_SECONDS:
            return self._cached[1]
        if self._check is None:
            self._check = asyncio.create_task(self._ask(), name="local models")
        return await asyncio.shield(self._check)

    async def _ask(self) -> LocalModelState:
        try:
            models, program = await asyncio.gather(
                self._list_models(), asyncio.to_thread(self._find_program, PROGRAM)
            )
            is_running = models is not None
            state = LocalModelState(is_running or program is not None, is_running, models or ())
            self._cached = (self._clock.monotonic(), state)
            return state
        finally:
            self._check = None

    async def _list_models(self) -> Sequence[LocalModel] | None:
        """Return the models; None when no such server answers."""
        try:
            answer = await self._http.request("GET", self._url, timeout=ASK_SECONDS)
            if answer.status != OK:
                return None
            return _read_models(await asyncio.to_thread(answer.json))
        except XoError:
            # nothing listens there, or another program does
            return None


def _read_models(answer: object) -> Sequence[LocalModel] | None:
    rows = cast("dict[str, object]", answer).get("models") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        return None
    entries = [
        cast("dict[str, object]", row)
        for row in cast("list[object]", rows)[:MAX_MODELS]
        if isinstance(row, dict)
    ]
    return [
        LocalModel(name, _size(row.get("size")), _text(row.get("modified_at")))
        for row in entries
        if (name := _text(row.get("name")))
    ]


def _size(value: object) -> int:
    return value if type(value) is int and value >= 0 else 0


def _text(value: object) -> str:
    return encodable(value) if isinstance(value, str) else ""
