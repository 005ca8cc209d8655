"""The agents of an OpenClaw configuration, and the edits that change them. Pure.

Three shapes are read: `agents.entries`, an object by id, the current one; `agents.list`, last
year's, which OpenClaw migrates in memory; and a bare list under `agents`, which OpenClaw refuses,
so that an edit converts it to `agents.entries`. Without any of them there is one agent, `main`.
"""

from collections.abc import Iterator
from typing import TypeAlias

from xo_cowork_core.sdk import Conflict, Json, JsonValue, NotFound
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_runtime_openclaw.config import agent_schema
from xo_runtime_openclaw.config.json5_edit import Edit, Path, RemoveValue, SetValue

MAIN = "main"
AGENTS: Path = ("agents",)
ENTRIES: Path = ("agents", "entries")
LIST: Path = ("agents", "list")
OWNERSHIP: Path = ("agents", "ownership")
# settings that must name an agent when there are several
OWNERS: tuple[Path, ...] = (
    ("agents", "defaults", "systemAgent", "agentId"),
    ("agents", "defaults", "heartbeat", "agentId"),
    ("talk", "agentId"),
)
AUTH_OWNER: Path = ("agents", "defaults", "authInheritance", "agentId")
Rows: TypeAlias = dict[str, Json]


@frozen_dataclass
class AgentConfig:
    """The agents of one configuration. `home` is OpenClaw's folder, with the workspaces."""

    config: Json
    home: str

    @property
    def rows(self) -> Rows:
        """Every agent's stored fields, in the file's order."""
        return self._stored() or {MAIN: {}}

    @property
    def default(self) -> str:
        """The agent that is used when none is named."""
        return self._default_of(self.rows)

    @property
    def has_entries_shape(self) -> bool:
        """True when the configuration has `agents.entries`, or no agents."""
        return not self._is_bare_list and not self._is_list

    def save(self, agent_id: str, fields: Json) -> list[Edit]:
        """Return the edits that merge `fields` into an agent, or add it."""
        if self._is_bare_list:
            first = self._with_entries()
            return [SetValue(AGENTS, first.config["agents"]), *first.save(agent_id, fields)]
        self._refuse_include()
        stored = self._stored()
        if agent_id in stored:
            return agent_schema.edits(self._path_of(agent_id, stored), stored[agent_id], fields)
        if agent_id == MAIN and not stored:
            return self._add_edits({}, MAIN, fields) if fields else []
        return self._add_edits(stored, agent_id, {**self._default_folders(agent_id), **fields})

    def delete(self, agent_id: str) -> list[Edit]:
        """Return the edits that remove an agent and its references. Raises NotFound or Conflict."""
        rows = self.rows
        if agent_id not in rows:
            raise NotFound("Agent not found")
        if len(rows) == 1:
            raise Conflict(f"{agent_id} is the only agent and must stay")
        if value_at(self.config, AUTH_OWNER) == agent_id:
            raise Conflict(f"Other agents inherit their logins from {agent_id}")
        if self._is_bare_list:
            first = self._with_entries()
            return [SetValue(AGENTS, first.config["agents"]), *first.delete(agent_id)]
        self._refuse_include()
        left = {key: fields for key, fields in rows.items() if key != agent_id}
        return [
            *self._binding_edits(agent_id),
            RemoveValue(self._path_of(agent_id, rows)),
            *self._owner_edits(left),
        ]

    def _binding_edits(self, agent_id: str) -> list[Edit]:
        bindings = value_at(self.config, ("bindings",))
        bound = [
            index
            for index, binding in enumerate(bindings if isinstance(bindings, list) else ())
            if isinstance(binding, dict) and binding.get("agentId") == agent_id
        ]
        return [RemoveValue(("bindings", index)) for index in reversed(bound)]

    def _add_edits(self, stored: Rows, agent_id: str, fields: Json) -> list[Edit]:
        before = dict(stored)
        edits: list[Edit] = []
        if not stored and agent_id != MAIN:
            # an explicit main keeps the workspace that it had as the only agent
            shared = value_at(self.config, ("agents", "defaults", "workspace"))
            before[MAIN] = {"workspace": shared or f"{self.home}/workspace"}
            edits.append(self._append({}, MAIN, before[MAIN]))
        edits.append(self._append(before, agent_id, fields))
        return [*edits, *self._owner_edits({**before, agent_id: fields})]

    def _append(self, before: Rows, agent_id: str, fields: Json) -> Edit:
        path = self._path_of(agent_id, {**before, agent_id: fields})
        return SetValue(path, {"id": agent_id, **fields} if self._is_list else fields)

    def _owner_edits(self, rows: Rows) -> list[Edit]:
        """Set owners where OpenClaw requires one, and replace owners that do not exist."""
        marked = any(fields.get("default") is True for fields in rows.values())
        needs_owner = (
            len(rows) > 1 and not marked and value_at(self.config, OWNERSHIP) != "explicit"
        )
        owner = self._default_of(rows)
        edits: list[Edit] = [SetValue(OWNERSHIP, "explicit")] if needs_owner else []
        for path in OWNERS:
            named = value_at(self.config, path)
            if (named is None and needs_owner) or (named is not None and named not in rows):
                edits.append(SetValue(path, owner))
        return edits

    def _default_of(self, rows: Rows) -> str:
        marked = [key for key, fields in rows.items() if fields.get("default") is True]
        for key in (*marked, value_at(self.config, OWNERS[0]), MAIN):
            if isinstance(key, str) and key in rows:
                return key
        return next(iter(rows))

    def _default_folders(self, agent_id: str) -> Json:
        """Return the folders that OpenClaw gives a new agent; no other agent has them."""
        return {
            "workspace": f"{self.home}/workspace-{agent_id}",
            "agentDir": f"{self.home}/agents/{agent_id}/agent",
        }

    def _path_of(self, agent_id: str, rows: Rows) -> Path:
        return (*LIST, list(rows).index(agent_id)) if self._is_list else (*ENTRIES, agent_id)

    @property
    def _is_bare_list(self) -> bool:
        return isinstance(self.config.get("agents"), list)

    @property
    def _is_list(self) -> bool:
        lists = isinstance(value_at(self.config, LIST), list)
        return lists and not isinstance(value_at(self.config, ENTRIES), dict)

    def _with_entries(self) -> "AgentConfig":
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
        if isinstance(agents, list) or self._is_list:
            listed = agents if isinstance(agents, list) else value_at(self.config, LIST)
            for row in listed if isinstance(listed, list) else ():
                if isinstance(row, dict) and isinstance(row.get("id"), str):
                    yield str(row["id"]), {key: v for key, v in row.items() if key != "id"}
            return
        entries = value_at(self.config, ENTRIES)
        for key, fields in entries.items() if isinstance(entries, dict) else ():
            yield key, fields if isinstance(fields, dict) else {}

    def _refuse_include(self) -> None:
        agents = self.config.get("agents")
        if isinstance(agents, dict) and "$include" in agents:
            raise Conflict("The agents are in a file that openclaw.json includes: edit that file")


def value_at(config: Json, path: Path) -> JsonValue:
    """Return the value at a path of keys; None where there is none."""
    value: JsonValue = config
    for step in path:
        if not isinstance(value, dict) or not isinstance(step, str):
            return None
        value = value.get(step)
    return value
