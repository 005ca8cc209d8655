"""OpenClaw's agents: through the running gateway, else in its configuration file."""

import asyncio
import os
import time
from collections.abc import Sequence

from xo_cowork_core.sdk import BadRequest, Conflict, Json, NotFound, Unavailable, XoError
from xo_cowork_core.sdk.runtime.agents import Agent, AgentDetail
from xo_runtime_openclaw.config import agent_schema
from xo_runtime_openclaw.config.agent_config import AgentConfig, value_at
from xo_runtime_openclaw.config.agent_folders import (
    agent_dir_of,
    read_instruction_files,
    workspace_of,
)
from xo_runtime_openclaw.config.configuration import Configuration
from xo_runtime_openclaw.config.live_config import SETTLE_SECONDS
from xo_runtime_openclaw.gateway.calls import GatewayCalls
from xo_runtime_openclaw.gateway.frames import GatewayError, row, rows
from xo_runtime_openclaw.gateway.unavailable import GatewayUnavailable
from xo_runtime_openclaw.history.records import record_of

COUNT_SECONDS = 2.0
POLL_SECONDS = 0.1
MAX_COUNTED = 50
MAX_SESSION_IDS = 50


class Agents:
    """Lists and changes the agents of one OpenClaw. `home` is its folder."""

    def __init__(self, configuration: Configuration, control: GatewayCalls, home: str) -> None:
        self._configuration = configuration
        self._live = configuration.live
        self._control = control
        self._home = home

    async def all(self) -> Sequence[Agent]:
        """Return the agents, the default first."""
        snapshot = await self._configuration.read()
        agents_config = self._agents_config(snapshot.config)
        default = agents_config.default
        sessions = await self._sessions(list(agents_config.rows)) if snapshot.live else {}
        agents: list[Agent] = []
        for key, fields in agents_config.rows.items():
            count, ids = sessions.get(key, (0, ()))
            agents.append(
                Agent(
                    key,
                    agent_schema.shown(fields),
                    count,
                    is_default=key == default,
                    workspace=workspace_of(agents_config, key),
                    session_ids=ids,
                )
            )
        return sorted(agents, key=lambda agent: not agent.is_default)

    async def detail(self, agent_id: str) -> AgentDetail:
        """Return an agent's entry, folders and instructions."""
        agents_config = self._agents_config((await self._configuration.read()).config)
        agent_dir = agent_dir_of(agents_config, agent_id)
        defaults = value_at(agents_config.config, ("agents", "defaults"))
        files, has_folder = await asyncio.gather(
            asyncio.to_thread(read_instruction_files, workspace_of(agents_config, agent_id)),
            asyncio.to_thread(os.path.isdir, agent_dir),
        )
        return AgentDetail(
            files,
            agents_config.rows.get(agent_id, {}),
            defaults if isinstance(defaults, dict) else {},
            agent_dir if has_folder else None,
        )

    async def save(self, agent_id: str, fields: Json) -> Agent:
        """Merge `fields` into an agent, or create it."""
        agent_schema.check(fields)
        snapshot = await self._configuration.read()
        agents_config = self._agents_config(snapshot.config)
        if snapshot.live and agents_config.has_entries_shape:
            await self._save_live(agent_id, fields, is_new=agent_id not in agents_config.rows)
        else:
            deep = sorted(agent_schema.DEEP & fields.keys())
            await self._configuration.change_file(
                lambda config: self._agents_config(config).save(agent_id, fields),
                only_openclaw_checks=deep,
            )
        return await self._reported(agent_id)

    async def _reported(self, agent_id: str) -> Agent:
        """Return an agent once OpenClaw reports it: a gateway notices a changed file later.

        Raises Unavailable after `SETTLE_SECONDS`.
        """
        until = time.monotonic() + SETTLE_SECONDS
        while True:
            for agent in await self.all():
                if agent.id == agent_id:
                    return agent
            if time.monotonic() > until:
                raise Unavailable("OpenClaw did not keep the agent", retry_after=2)
            await asyncio.sleep(POLL_SECONDS)

    async def delete(self, agent_id: str) -> None:
        """Remove an agent; its folders stay."""
        snapshot = await self._configuration.read()
        agents_config = self._agents_config(snapshot.config)
        if not (snapshot.live and agents_config.has_entries_shape):
            await self._configuration.change_file(
                lambda config: self._agents_config(config).delete(agent_id), check=True
            )
            return
        agents_config.delete(agent_id)
        try:
            await self._remove_live(agent_id)
        except BadRequest as refused:
            if "not found" in refused.message:
                raise NotFound("Agent not found") from None
            raise Conflict(refused.message) from None
        await self._live.wait_until_applied()

    async def _save_live(self, agent_id: str, fields: Json, *, is_new: bool) -> None:
        if is_new:
            await self._live.call("agents.create", {"name": agent_id})
            # the gateway stores the id as identity name, which would override the agent's name
            given_identity = fields.get("identity")
            identity: Json = {
                "name": None,
                **(given_identity if isinstance(given_identity, dict) else {}),
            }
            fields = {**fields, "identity": identity}
        try:
            await self._configuration.change_live(
                lambda config: self._agents_config(config).save(agent_id, fields)
            )
        except XoError:
            if is_new:
                # until the gateway has applied it, the agent is unknown to it
                await self._live.wait_until_applied()
                await self._remove_live(agent_id)
            raise

    async def _remove_live(self, agent_id: str) -> None:
        # the workspace may be the user's project: never delete it
        await self._live.call("agents.delete", {"agentId": agent_id, "deleteFiles": False})

    def _agents_config(self, config: Json) -> AgentConfig:
        return AgentConfig(config, self._home)

    async def _sessions(self, ids: Sequence[str]) -> dict[str, tuple[int, Sequence[str]]]:
        """Return the number of sessions and the newest session ids, by agent."""
        sessions = await asyncio.gather(*(self._sessions_of(key) for key in ids[:MAX_COUNTED]))
        return dict(zip(ids, sessions, strict=False))

    async def _sessions_of(self, agent_id: str) -> tuple[int, Sequence[str]]:
        params = {"agentId": agent_id, "limit": MAX_SESSION_IDS}
        try:
            answer = row(await self._control.call("sessions.list", params, seconds=COUNT_SECONDS))
        except (GatewayUnavailable, GatewayError):
            return 0, ()
        count = answer.get("totalCount")
        records = [record_of(session) for session in rows(answer.get("sessions"))]
        ids = [record.session_id for record in records if record]
        return count if isinstance(count, int) else len(ids), ids
