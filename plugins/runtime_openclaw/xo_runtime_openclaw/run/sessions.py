"""Sessions of the gateway for our turns: their keys, and what is fixed in them.

The gateway knows which key a session id has; what is kept here is a memory of its answers.
"""

import uuid
from collections import OrderedDict
from typing import Any

from xo_cowork_core.sdk import AgentFailure, HostContext, Turn
from xo_runtime_openclaw.gateway.frames import Refused, Row, row, rows, text_of
from xo_runtime_openclaw.gateway.gateway import Gateway
from xo_runtime_openclaw.run.approvals import mode_of
from xo_runtime_openclaw.run.prompt import model_of

REMEMBERED = 512
FULL = "full"
ADMIN = "operator.admin"


class Sessions:
    """Opens and finds them."""

    def __init__(self, context: HostContext, gateway: Gateway) -> None:
        self._context = context
        self._gateway = gateway
        self._keys: OrderedDict[str, str] = OrderedDict()
        self._fixed: OrderedDict[str, Row] = OrderedDict()

    async def open(self, turn: Turn) -> str:
        """Create a session and return its id.

        Raises `GatewayUnavailable`, `Refused`, `AgentFailure`.
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
        """Return the key of a turn's session, made anew where the gateway has lost it."""
        key = await self.key_of(turn.session_id)
        if key is None:
            agent = await self._agent(turn)
            key = f"agent:{agent}:xo:again:{turn.session_id}"
            await self._create(turn, key, agent)
            self._remember(self._keys, turn.session_id, key)
        await self._adapt(turn, key)
        return key

    async def key_of(self, session_id: str) -> str | None:
        """Return the key of a session. Raises `GatewayUnavailable`, `Refused`."""
        if session_id in self._keys:
            return self._keys[session_id]
        asked = {"sessionId": session_id, "allowMissing": True}
        found = row(await self._gateway.call("sessions.resolve", asked))
        key = text_of(found.get("key")) if found.get("ok") else ""
        if not key:
            return None
        self._remember(self._keys, session_id, key)
        return key

    def forget(self, session_id: str) -> None:
        """Ask anew next time."""
        self._keys.pop(session_id, None)

    async def agents(self) -> tuple[list[str], str]:
        """Return the gateway's agents and its default one."""
        listed = row(await self._gateway.call("agents.list", {}))
        ids = [text_of(agent.get("id")) for agent in rows(listed.get("agents"))]
        default = text_of(listed.get("defaultId"))
        return [found for found in ids if found], default or (ids[0] if ids else "main")

    async def _agent(self, turn: Turn) -> str:
        """Choose the agent: the one that the prompt names, else the default, which then works in
        the project of that name. An unknown one never reaches the gateway, which would make
        folders for it."""
        known, default = await self.agents()
        return turn.agent_id if turn.agent_id in known and turn.agent_id else default

    async def _create(self, turn: Turn, key: str, agent: str) -> Row:
        wanted = self._wanted(turn)
        params = {"key": key, "agentId": agent, "cwd": str(turn.cwd), **wanted}
        try:
            created = row(await self._gateway.call("sessions.create", params))
        except Refused as refused:
            if "cwd" not in refused.text and "workspace" not in refused.text:
                raise
            # a sandboxed agent may not leave its own workspace
            self._context.log.warning("OpenClaw takes no working folder: %s", refused.text)
            del params["cwd"]
            created = row(await self._gateway.call("sessions.create", params))
        if session_id := text_of(created.get("sessionId")):
            self._remember(self._keys, session_id, key)
        self._remember(self._fixed, key, wanted)
        return created

    async def _adapt(self, turn: Turn, key: str) -> None:
        """Bring the session's permissions and model in line with this turn's."""
        wanted, fixed = self._wanted(turn), self._fixed.get(key)
        if fixed == wanted:
            return
        patch: dict[str, Any] = dict(wanted)
        if fixed and "model" in fixed and "model" not in wanted:
            patch["model"] = None
        await self._gateway.call("sessions.patch", {"key": key, **patch})
        self._remember(self._fixed, key, wanted)

    def _wanted(self, turn: Turn) -> dict[str, Any]:
        mode, model = mode_of(turn), model_of(turn)
        wanted: dict[str, Any] = (
            {} if mode == FULL and not self._admin else {"permissionMode": mode}
        )
        return {**wanted, "model": model} if model else wanted

    @property
    def _admin(self) -> bool:
        return ADMIN in self._gateway.scopes

    def _remember(self, memory: OrderedDict[str, Any], key: str, value: Any) -> None:
        memory[key] = value
        memory.move_to_end(key)
        while len(memory) > REMEMBERED:
            memory.popitem(last=False)


def is_own(key: str) -> bool:
    """Say whether a session was made by a server like this one."""
    return ":xo:" in key
