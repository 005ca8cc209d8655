"""One live CLI process of one session, between and during turns."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson

from xo_cowork_core.sdk import Process
from xo_runtime_claude.options import Fixed
from xo_runtime_claude.usage import Meter

END_SECONDS = 2.0
KILL_SECONDS = 2.0


class WarmProcess:
    """A process with what is known of it. Turns use it one after the other."""

    def __init__(self, process: Process, session_id: str, fixed: Fixed, skills: int) -> None:
        self.process = process
        self.session_id = session_id
        self.fixed = fixed
        self.skills = skills
        self.stale_skills = False
        self.meter = Meter()
        self.mode = ""
        self.model: str | None = None
        self.turns = 0
        self.lifecycle = False
        # one iterator for the whole life: a batch that came between turns waits for the next one
        self.lines: AsyncIterator[list[bytes]] = process.batches()

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    async def send(self, *records: Mapping[str, Any]) -> None:
        """Write records in one piece."""
        await self.process.write(b"".join(orjson.dumps(record) + b"\n" for record in records))

    async def end(self, *, gently: bool) -> None:
        """End the process and all that it started; `gently` lets an idle one finish by itself."""
        await self.process.stop(term_after=END_SECONDS if gently else 0.0, kill_after=KILL_SECONDS)
