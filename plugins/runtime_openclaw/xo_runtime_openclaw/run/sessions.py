"""The gateway's sessions for turns: their keys, permission mode and model.

The gateway maps session ids to keys; this module caches its answers.
"""

import uuid
from collections import OrderedDict
from contextlib import suppress
from typing import Any

from xo_cowork_core.sdk import AgentFailure, HostContext, Turn
from xo_runtime_openclaw.gateway.frames import GatewayError, Row, row, rows, text_of
from xo_runtime_openclaw.gateway.gateway import Gateway
from xo_runtime_openclaw.run.approvals import mode_of
from xo_runtime_openclaw.run.prompt import model_of

REMEMBERED = 512
FULL = "full"
ADMIN = "operator.admin"


class GatewaySessions:
    """Opens and finds the gateway's sessions."""

    def __init__(self, context: HostContext, gateway: Gateway) -> None:
        self._context = context
        self._gateway = gateway
        self._keys: OrderedDict[str, str] = OrderedDict()
        self._settings: OrderedDict[str, Row] = OrderedDict()

    async def open(self, turn: Turn) -> str:
        """Create a session and return its id.

        Raises `GatewayUnavailable`, `GatewayError`, `AgentFailure`.
        """
        agent = await self._agent(turn)
        created = await self._create(turn, f"agent:{agent}:xo:{turn.session_id}", agent)
        session_id = text_of(created.get("sessionId"))
        try:
            uuid.UUID(session_id)
        except ValueError:
            raise AgentFailure("OpenClaw gave the session no id", code="upstream") from None
        return session_id

    async def key_for(self, turn: Turn) -> str:
        """Return the key of a turn's session; create the session where the gateway has lost it."""
        key = await self.key_of(turn.session_id)
        if key is None:
            agent = await self._agent(turn)
            key = f"agent:{agent}:xo:again:{turn.session_id}"
            await self._create(turn, key, agent)
            self._remember(self._keys, turn.session_id, key)
        await self._adapt(turn, key)
        return key

    async def key_of(self, session_id: str) -> str | None:
        """Return the key of a session. Raises `GatewayUnavailable`, `GatewayError`."""
        if session_id in self._keys:
            return self._keys[session_id]
        params = {"sessionId": session_id, "allowMissing": True}
        response = row(await self._gateway.call("sessions.resolve", params))
        key = text_of(response.get("key")) if response.get("ok") else ""
        if not key:
            return None
        self._remember(self._keys, session_id, key)
        return key

    def forget(self, session_id: str) -> None:
        """Remove a session from the cache."""
        self._keys.pop(session_id, None)

    async def agents(self) -> tuple[list[str], str]:
        """Return the gateway's agents and the default one."""
        listed = row(await self._gateway.call("agents.list", {}))
        ids = [text_of(agent.get("id")) for agent in rows(listed.get("agents"))]
        default = text_of(listed.get("defaultId"))
        return [response for response in ids if response], default or (ids[0] if ids else "main")

    async def _agent(self, turn: Turn) -> str:
        """Return the agent of a turn: the one that the prompt names, else the default.

        The gateway would create folders for an unknown agent, so it never gets one.
        """
        agents, default = await self.agents()
        return turn.agent_id if turn.agent_id in agents and turn.agent_id else default

    async def _create(self, turn: Turn, key: str, agent: str) -> Row:
        settings = self._settings_of(turn)
        params = {"key": key, "agentId": agent, "cwd": str(turn.cwd), **settings}
        try:
            created = row(await self._gateway.call("sessions.create", params))
        except GatewayError as refused:
            if "cwd" not in refused.text and "workspace" not in refused.text:
                raise
            # a sandboxed agent must stay in its own workspace
            self._context.log.warning("OpenClaw refused the working folder: %s", refused.text)
            del params["cwd"]
            created = row(await self._gateway.call("sessions.create", params))
        if session_id := text_of(created.get("sessionId")):
            self._remember(self._keys, session_id, key)
        self._remember(self._settings, key, settings)
        return created

    async def _adapt(self, turn: Turn, key: str) -> None:
        """Set the session's permission mode and model for this turn."""
        settings, current = self._settings_of(turn), self._settings.get(key)
        if current == settings:
            return
        patch: dict[str, Any] = dict(settings)
        if current and "model" in current and "model" not in settings:
            patch["model"] = None
        await self._gateway.call("sessions.patch", {"key": key, **patch})
        self._remember(self._settings, key, settings)

    def _settings_of(self, turn: Turn) -> dict[str, Any]:
        mode, model = mode_of(turn), model_of(turn)
        settings: dict[str, Any] = (
            {} if mode == FULL and not self._admin else {"permissionMode": mode}
        )
        return {**settings, "model": model} if model else settings

    @property
    def _admin(self) -> bool:
        return ADMIN in self._gateway.scopes

    def _remember(self, memory: OrderedDict[str, Any], key: str, value: Any) -> None:
        memory[key] = value
        memory.move_to_end(key)
        while len(memory) > REMEMBERED:
            memory.popitem(last=False)


def is_host_key(key: str) -> bool:
    """Return whether a session was created by a server of this kind."""
    return ":xo:" in key


async def stop_session(gateway: Gateway, key: str) -> None:
    """Stop what runs or waits in a session. Raises `GatewayUnavailable`."""
    with suppress(GatewayError):
        await gateway.call("sessions.abort", {"key": key, "clearQueued": True})
