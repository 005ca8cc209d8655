"""The agents that a configuration of OpenClaw names, and the edits that change them. Pure.

Three shapes are read: `agents.entries`, an object by id and today's; `agents.list`, last year's,
which OpenClaw still migrates in memory; and a bare list under `agents`, which it refuses, so that
a change turns it into today's. Without any of them there is the one agent `main`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from xo_cowork_core.sdk import Conflict, Json, JsonValue, NotFound
from xo_runtime_openclaw.config import agent_schema as entry
from xo_runtime_openclaw.config.json5_edit import Drop, Edit, Path, Put

MAIN = "main"
AGENTS: Path = ("agents",)
ENTRIES: Path = ("agents", "entries")
LIST: Path = ("agents", "list")
OWNERSHIP: Path = ("agents", "ownership")
# where OpenClaw wants one agent named once there are several
OWNERS: tuple[Path, ...] = (
    ("agents", "defaults", "systemAgent", "agentId"),
    ("agents", "defaults", "heartbeat", "agentId"),
    ("talk", "agentId"),
)
HEIR: Path = ("agents", "defaults", "authInheritance", "agentId")
Rows: TypeAlias = dict[str, Json]


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """The agents of one configuration. `home` is OpenClaw's folder, where workspaces lie."""

    config: Json
    home: str

    @property
    def rows(self) -> Rows:
        """Every agent's stored fields, in the file's order."""
        return self._stored() or {MAIN: {}}

    @property
    def default(self) -> str:
        """The agent that is asked when nobody is named."""
        return self._default_of(self.rows)

    @property
    def modern(self) -> bool:
        """Say whether it has today's shape, or none yet."""
        return not self._bare and not self._listed

    def save(self, agent_id: str, fields: Json) -> list[Edit]:
        """Lay `fields` over an agent's, or add it."""
        if self._bare:
            first = self._modernised()
            return [Put(AGENTS, first.config["agents"]), *first.save(agent_id, fields)]
        self._refuse_include()
        stored = self._stored()
        if agent_id in stored:
            return entry.edits(self._place(agent_id, stored), stored[agent_id], fields)
        if agent_id == MAIN and not stored:
            return self._added({}, MAIN, fields) if fields else []
        return self._added(stored, agent_id, {**self._places(agent_id), **fields})

    def delete(self, agent_id: str) -> list[Edit]:
        """Take an agent out, with what points at it. Raises NotFound or Conflict."""
        rows = self.rows
        if agent_id not in rows:
            raise NotFound("Agent not found")
        if len(rows) == 1:
            raise Conflict(f"{agent_id} is the only agent and must stay")
        if _at(self.config, HEIR) == agent_id:
            raise Conflict(f"Other agents inherit their logins from {agent_id}")
        if self._bare:
            first = self._modernised()
            return [Put(AGENTS, first.config["agents"]), *first.delete(agent_id)]
        self._refuse_include()
        left = {key: fields for key, fields in rows.items() if key != agent_id}
        return [*self._unbound(agent_id), Drop(self._place(agent_id, rows)), *self._owned(left)]

    def _unbound(self, agent_id: str) -> list[Edit]:
        bindings = _at(self.config, ("bindings",))
        bound = [
            number
            for number, binding in enumerate(bindings if isinstance(bindings, list) else ())
            if isinstance(binding, dict) and binding.get("agentId") == agent_id
        ]
        return [Drop(("bindings", number)) for number in reversed(bound)]

    def _added(self, stored: Rows, agent_id: str, fields: Json) -> list[Edit]:
        before = dict(stored)
        edits: list[Edit] = []
        if not stored and agent_id != MAIN:
            # named, main keeps the workspace that it had as the only one
            shared = _at(self.config, ("agents", "defaults", "workspace"))
            before[MAIN] = {"workspace": shared or f"{self.home}/workspace"}
            edits.append(self._append({}, MAIN, before[MAIN]))
        edits.append(self._append(before, agent_id, fields))
        return [*edits, *self._owned({**before, agent_id: fields})]

    def _append(self, before: Rows, agent_id: str, fields: Json) -> Edit:
        place = self._place(agent_id, {**before, agent_id: fields})
        return Put(place, {"id": agent_id, **fields} if self._listed else fields)

    def _owned(self, rows: Rows) -> list[Edit]:
        """Name owners where OpenClaw wants one, and let none be an agent that is gone."""
        marked = any(fields.get("default") is True for fields in rows.values())
        fresh = len(rows) > 1 and not marked and _at(self.config, OWNERSHIP) != "explicit"
        owner = self._default_of(rows)
        edits: list[Edit] = [Put(OWNERSHIP, "explicit")] if fresh else []
        for path in OWNERS:
            named = _at(self.config, path)
            if (named is None and fresh) or (named is not None and named not in rows):
                edits.append(Put(path, owner))
        return edits

    def _default_of(self, rows: Rows) -> str:
        marked = [key for key, fields in rows.items() if fields.get("default") is True]
        for key in (*marked, _at(self.config, OWNERS[0]), MAIN):
            if isinstance(key, str) and key in rows:
                return key
        return next(iter(rows))

    def _places(self, agent_id: str) -> Json:
        """What OpenClaw itself gives a new agent: folders that no other agent has."""
        return {
            "workspace": f"{self.home}/workspace-{agent_id}",
            "agentDir": f"{self.home}/agents/{agent_id}/agent",
        }

    def _place(self, agent_id: str, rows: Rows) -> Path:
        return (*LIST, list(rows).index(agent_id)) if self._listed else (*ENTRIES, agent_id)

    @property
    def _bare(self) -> bool:
        return isinstance(self.config.get("agents"), list)

    @property
    def _listed(self) -> bool:
        lists = isinstance(_at(self.config, LIST), list)
        return lists and not isinstance(_at(self.config, ENTRIES), dict)

    def _modernised(self) -> "AgentConfig":
        rows = {
            key: {name: value for name, value in fields.items() if name != "default"}
            for key, fields in self._stored().items()
        }
        agents: dict[str, JsonValue] = {"entries": dict[str, JsonValue](rows)}
        if len(rows) > 1:
            ambient: Json = {"agentId": self._default_of(self._stored())}
            agents["ownership"] = "explicit"
            agents["defaults"] = {"systemAgent": ambient, "heartbeat": dict(ambient)}
        return AgentConfig({**self.config, "agents": agents}, self.home)

    def _stored(self) -> Rows:
        return dict(self._rows())

    def _rows(self) -> Iterator[tuple[str, Json]]:
        agents = self.config.get("agents")
        if isinstance(agents, list) or self._listed:
            listed = agents if isinstance(agents, list) else _at(self.config, LIST)
            for row in listed if isinstance(listed, list) else ():
                if isinstance(row, dict) and isinstance(row.get("id"), str):
                    yield str(row["id"]), {key: v for key, v in row.items() if key != "id"}
            return
        entries = _at(self.config, ENTRIES)
        for key, fields in entries.items() if isinstance(entries, dict) else ():
            yield key, fields if isinstance(fields, dict) else {}

    def _refuse_include(self) -> None:
        agents = self.config.get("agents")
        if isinstance(agents, dict) and "$include" in agents:
            raise Conflict("The agents stand in a file that openclaw.json includes: edit that one")


def _at(config: Json, path: Path) -> JsonValue:
    value: JsonValue = config
    for step in path:
        if not isinstance(value, dict) or not isinstance(step, str):
            return None
        value = value.get(step)
    return value
