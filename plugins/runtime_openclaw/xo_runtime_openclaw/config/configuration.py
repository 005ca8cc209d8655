"""OpenClaw's configuration: from the running gateway, else from its file.

A running gateway applies a changed file within a second, so the file is also used when the
gateway refuses the connection.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from xo_cowork_core.sdk import Conflict, Json, Unavailable
from xo_runtime_openclaw.config.config_check import ConfigCheck
from xo_runtime_openclaw.config.config_file import ConfigFile
from xo_runtime_openclaw.config.json5_edit import Edit
from xo_runtime_openclaw.config.live_config import LiveConfig

TRIES = 5
Plan: TypeAlias = Callable[[Json], Sequence[Edit]]


class ConfigSnapshot(NamedTuple):
    """The configuration, and whether the gateway returned it."""

    config: Json
    live: bool


class Configuration:
    """Reads and changes the configuration. `is_local`: gateway and file are on this machine."""

    def __init__(
        self, live: LiveConfig, file: ConfigFile, check: ConfigCheck, *, is_local: bool
    ) -> None:
        self.live = live
        self._file = file
        self._check = check
        self._is_local = is_local

    async def read(self) -> ConfigSnapshot:
        """Return the configuration, empty when there is none. Raises Unavailable."""
        snapshot = await self.live.read()
        if snapshot:
            return ConfigSnapshot(snapshot.config, live=True)
        self._refuse_remote()
        return ConfigSnapshot(await asyncio.to_thread(self._file.read), live=False)

    async def change_live(self, plan: Plan) -> None:
        """Change it through the gateway, and wait until the gateway has applied it."""
        await self.live.change(plan)
        await self.live.wait_until_applied()

    async def change_file(
        self, plan: Plan, *, only_openclaw_checks: Sequence[str] = (), check: bool = False
    ) -> None:
        """Change the file.

        `only_openclaw_checks` names fields that only OpenClaw can check; `check` validates with
        OpenClaw if possible. Raises BadRequest, Conflict, Unavailable.
        """
        self._refuse_remote()
        for _ in range(TRIES):
            draft = await asyncio.to_thread(self._file.draft, plan)
            if draft is None:
                return
            if only_openclaw_checks or check:
                await self._check.accepts(draft.text, only_openclaw_checks)
            if await asyncio.to_thread(self._file.write, draft):
                await self.live.wait_until_applied()
                return
        raise Conflict("openclaw.json changes all the time; try again")

    def _refuse_remote(self) -> None:
        if not self._is_local:
            raise Unavailable("The OpenClaw gateway is on another machine and can't be reached now")
