"""OpenClaw's agents: through the running gateway, else in its configuration file."""

import asyncio
from collections.abc import Sequence

from xo_cowork_core.sdk import Agent, BadRequest, Conflict, Json, NotFound, Unavailable, XoError
from xo_runtime_openclaw.config import agent_schema as entry
from xo_runtime_openclaw.config.agent_config import AgentConfig
from xo_runtime_openclaw.config.configuration import Configuration
from xo_runtime_openclaw.config.live_config import Control
from xo_runtime_openclaw.gateway.frames import Refused, row
from xo_runtime_openclaw.gateway.unavailable import GatewayUnavailable

COUNT_SECONDS = 2.0
MOST_COUNTED = 50


class Agents:
    """The roster of one OpenClaw. `home` is its folder."""

    def __init__(self, configuration: Configuration, control: Control, home: str) -> None:
        self._configuration = configuration
        self._live = configuration.live
        self._control = control
        self._home = home

    async def all(self) -> Sequence[Agent]:
        """List them, the default first."""
        found = await self._configuration.read()
        roster = self._roster(found.config)
        ids, default = list(roster.rows), roster.default
        counts = await self._counts(ids) if found.live else {}
        agents = [
            Agent(key, entry.shown(fields), counts.get(key, 0), is_default=key == default)
            for key, fields in roster.rows.items()
        ]
        return sorted(agents, key=lambda agent: not agent.is_default)

    async def save(self, agent_id: str, fields: Json) -> Agent:
        """Lay `fields` over an agent's, or make one."""
        entry.check(fields)
        found = await self._configuration.read()
        roster = self._roster(found.config)
        if found.live and roster.modern:
            await self._save_live(agent_id, fields, fresh=agent_id not in roster.rows)
        else:
            deep = sorted(entry.DEEP & fields.keys())
            await self._configuration.change_file(
                lambda config: self._roster(config).save(agent_id, fields),
                only_openclaw_checks=deep,
            )
        for agent in await self.all():
            if agent.id == agent_id:
                return agent
        raise Unavailable("OpenClaw did not keep the agent", retry_after=2)

    async def delete(self, agent_id: str) -> None:
        """Take one out; its folders stay."""
        found = await self._configuration.read()
        roster = self._roster(found.config)
        if not (found.live and roster.modern):
            await self._configuration.change_file(
                lambda config: self._roster(config).delete(agent_id), check=True
            )
            return
        roster.delete(agent_id)
        try:
            await self._remove_live(agent_id)
        except BadRequest as refused:
            if "not found" in refused.message:
                raise NotFound("Agent not found") from None
            raise Conflict(refused.message) from None
        await self._live.settle()

    async def _save_live(self, agent_id: str, fields: Json, *, fresh: bool) -> None:
        if fresh:
            await self._live.call("agents.create", {"name": agent_id})
            # it takes the id for the identity's name, which would outlive the agent's own
            given = fields.get("identity")
            identity: Json = {"name": None, **(given if isinstance(given, dict) else {})}
            fields = {**fields, "identity": identity}
        try:
            await self._configuration.change_live(
                lambda config: self._roster(config).save(agent_id, fields)
            )
        except XoError:
            if fresh:
                # until the gateway works by it, it says that there is no such agent
                await self._live.settle()
                await self._remove_live(agent_id)
            raise

    async def _remove_live(self, agent_id: str) -> None:
        # the workspace may be a project of the user's: never to the trash with it
        await self._live.call("agents.delete", {"agentId": agent_id, "deleteFiles": False})

    def _roster(self, config: Json) -> AgentConfig:
        return AgentConfig(config, self._home)

    async def _counts(self, ids: Sequence[str]) -> dict[str, int]:
        counts = await asyncio.gather(*(self._count(key) for key in ids[:MOST_COUNTED]))
        return dict(zip(ids, counts, strict=False))

    async def _count(self, agent_id: str) -> int:
        params = {"agentId": agent_id, "limit": 1}
        try:
            answer = row(await self._control.call("sessions.list", params, seconds=COUNT_SECONDS))
        except (GatewayUnavailable, Refused):
            return 0
        count = answer.get("totalCount")
        return count if isinstance(count, int) else 0
