"""OpenClaw's configuration, wherever it can be had now: from the running gateway, else its file.

A file that changes under a running gateway is picked up by it within a second. So the file is
also the way when a gateway runs and does not let us in.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from xo_cowork_core.sdk import Conflict, Json, Unavailable
from xo_runtime_openclaw.config.config_check import ConfigCheck
from xo_runtime_openclaw.config.config_file import ConfigFile
from xo_runtime_openclaw.config.json5_edit import Edit
from xo_runtime_openclaw.config.live_config import LiveConfig

TRIES = 5
Plan: TypeAlias = Callable[[Json], Sequence[Edit]]


@dataclass(frozen=True, slots=True)
class Found:
    """The configuration, and whether the gateway gave it."""

    config: Json
    live: bool


class Configuration:
    """Reads and changes it. `here`: the gateway is on this machine, and so is its file."""

    def __init__(
        self, live: LiveConfig, file: ConfigFile, check: ConfigCheck, *, here: bool
    ) -> None:
        self.live = live
        self._file = file
        self._check = check
        self._here = here

    async def read(self) -> Found:
        """Return it, empty when there is none. Raises Unavailable."""
        seen = await self.live.read()
        if seen:
            return Found(seen.config, live=True)
        self._refuse_remote()
        return Found(await asyncio.to_thread(self._file.read), live=False)

    async def change_live(self, plan: Plan) -> None:
        """Change it through the gateway, and wait until it works by the change."""
        await self.live.change(plan)
        await self.live.settle()

    async def change_file(
        self, plan: Plan, *, only_openclaw_checks: Sequence[str] = (), check: bool = False
    ) -> None:
        """Change the file. `only_openclaw_checks` are fields whose values nobody else can check;
        `check` asks OpenClaw where it can be asked. Raises BadRequest, Conflict, Unavailable."""
        self._refuse_remote()
        for _ in range(TRIES):
            draft = await asyncio.to_thread(self._file.draft, plan)
            if draft is None:
                return
            if only_openclaw_checks or check:
                await self._check.accepts(draft.text, only_openclaw_checks)
            if await asyncio.to_thread(self._file.write, draft):
                await self.live.settle()
                return
        raise Conflict("openclaw.json changes all the time; try again")

    def _refuse_remote(self) -> None:
        if not self._here:
            raise Unavailable("The OpenClaw gateway, which is elsewhere, can't be asked now")
