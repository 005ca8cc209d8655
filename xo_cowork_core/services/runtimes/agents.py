"""Agents: those of the runtime that keeps agents, merged with the fields that it can't store.

The host stores these fields in `agents.json` in the state folder. Changes are serialised, so that
two changes of different fields both hold. An agent without an entry in the file is listed too; a
new agent never gets the entry of a deleted one. An unreadable file counts as empty and is renamed
before a new one is written.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import orjson

from xo_cowork_core.sdk import (
    BadRequest,
    Conflict,
    NotFound,
    Unavailable,
    Unsupported,
    UpstreamFailed,
)
from xo_cowork_core.sdk.errors import TooLarge
from xo_cowork_core.sdk.runtime.agents import Agent, AgentDetail, KeepsAgents, ListsAgents
from xo_cowork_core.services.clock import Clock, stamp
from xo_cowork_core.services.runtimes.agent_rows import (
    Row,
    agent_row,
    changed_fields,
    detail_fields,
    masked_row,
    merge_fields,
    split_fields,
    stored_fields,
)
from xo_cowork_core.services.runtimes.calls import PLAIN_CALL_ERRORS, require_type
from xo_cowork_core.services.runtimes.collect import Request, collect
from xo_cowork_core.services.runtimes.plugin_record import PluginError, describe_exception
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime
from xo_cowork_core.services.runtimes.selector import RuntimeSelector
from xo_cowork_core.storage.atomic import write_atomic

ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
PERMANENT = "main"
LIST_SECONDS = 30.0
MAX_BYTES = 512 << 10
CHANGE_SECONDS = 120.0
OwnedRow = tuple[RegisteredRuntime, Row]
LISTING = Request(ListsAgents, "list its agents")
log = logging.getLogger("xo_cowork.agents")


class Agents:
    """The agents of one server. `mask` returns a JSON value without secrets."""

    def __init__(
        self,
        selector: RuntimeSelector,
        clock: Clock,
        state_dir: Path,
        *,
        projects_root: Path,
        mask: Callable[[object], object],
    ) -> None:
        self._selector = selector
        self._clock = clock
        self._workspace = str(projects_root)
        self._mask = mask
        self._file = state_dir / "agents.json"
        self._lock = asyncio.Lock()

    async def list(self) -> Sequence[Row]:
        """Return the row of every agent: those of the registry, then those that runtimes list."""
        return [row for _, row in await self._all()]

    async def read(self, reference: str) -> Row:
        """Return the row and the detail of the agent of an id, or of a name that one agent alone
        has. Raises NotFound."""
        owner, row = await self._find(reference)
        detail = AgentDetail()
        if isinstance(owner.runtime, KeepsAgents):
            detail = await owner.call(
                KeepsAgents.agent_detail,
                row["id"],
                action="read the agent",
                seconds=LIST_SECONDS,
            )
        return {**row, **await asyncio.to_thread(detail_fields, detail, self._mask)}

    async def create(self, fields: Row) -> Row:
        """Create an agent, or merge into the one with the same id. Raises BadRequest."""
        if "name" not in fields:
            raise BadRequest("`name` is missing")
        _check(fields)
        agent_id = str(fields.get("id") or slug(str(fields["name"])))
        if not ID.fullmatch(agent_id):
            raise BadRequest("`id` must be 1 to 64 of a-z, 0-9, - and _, not first - or _")
        async with self._lock:
            owner = await self._require_owner()
            known_ids = {agent.id for agent in await _agents(owner)}
            return await self._save(owner, agent_id, fields, fresh=agent_id not in known_ids)

    async def update(self, reference: str, fields: Row) -> Row:
        """Change some fields of an agent. Raises NotFound or BadRequest."""
        _check(fields)
        async with self._lock:
            owner, row = await self._find_changeable(reference)
            if fields.get("id", row["id"]) != row["id"]:
                raise BadRequest("`id` cannot be changed")
            return await self._save(owner, row["id"], changed_fields(fields, row), fresh=False)

    async def delete(self, reference: str) -> None:
        """Delete an agent. Raises NotFound, or Conflict for `PERMANENT`."""
        async with self._lock:
            owner, row = await self._find_changeable(reference)
            agent_id = row["id"]
            if agent_id == PERMANENT:
                raise Conflict(f"The agent {PERMANENT} cannot be deleted")
            await owner.call(
                KeepsAgents.delete_agent,
                agent_id,
                action="remove the agent",
                seconds=CHANGE_SECONDS,
            )
            extras = await asyncio.to_thread(self._read)
            if extras.pop(agent_id, None) is not None:
                await asyncio.to_thread(self._write, extras)

    async def _rows(self, owner: RegisteredRuntime) -> Sequence[Row]:
        extras = await asyncio.to_thread(self._read)
        return [self._row(agent, owner, extras) for agent in await _agents(owner)]

    async def _all(self) -> Sequence[OwnedRow]:
        owner = await self._selector.with_ability(KeepsAgents)
        rows = [(owner, row) for row in await self._rows(owner)] if owner else []
        known_ids = {row["id"] for _, row in rows}
        runtimes = self._selector.configured_first()
        for lister, agents in await collect(runtimes, LISTING, ListsAgents.listed_agents):
            new = [agent for agent in agents if agent.id not in known_ids]
            rows += [(lister, self._row(agent, lister, {})) for agent in new]
        return rows

    async def _find(self, reference: str) -> OwnedRow:
        rows = await self._all()
        named = [each for each in rows if reference in {each[1]["name"], each[1]["display_name"]}]
        for each in rows:
            if each[1]["id"] == reference:
                named = [each]
        if len(named) != 1:
            raise NotFound("Agent not found")
        return named[0]

    async def _find_changeable(self, reference: str) -> OwnedRow:
        owner, row = await self._find(reference)
        if not isinstance(owner.runtime, KeepsAgents):
            raise Conflict(f"This agent is part of {owner.info.title}: it can't be changed")
        return owner, row

    def _row(self, agent: Agent, owner: RegisteredRuntime, extras: Mapping[str, Row]) -> Row:
        row = agent_row(
            agent, owner.info.name, extras.get(agent.id, {}), default_workspace=self._workspace
        )
        return masked_row(row, self._mask)

    async def _save(
        self, owner: RegisteredRuntime, agent_id: str, fields: Row, *, fresh: bool
    ) -> Row:
        given = stored_fields(fields)
        own, others = split_fields(given, _agent_fields(owner))
        agent = await owner.call(
            KeepsAgents.save_agent, agent_id, own, action="save the agent", seconds=CHANGE_SECONDS
        )
        extras = await asyncio.to_thread(self._read)
        # the creation time of an agent that another program made is unknown
        created: Row = {"created_at": stamp(self._clock.now())} if fresh else {}
        extra = extras[agent_id] = created or extras.get(agent_id, {})
        merge_fields(extra, others)
        await asyncio.to_thread(self._write, extras)
        return self._row(agent, owner, extras)

    async def _require_owner(self) -> RegisteredRuntime:
        owner = await self._selector.with_ability(KeepsAgents)
        if owner is None:
            raise Unsupported("No runtime here keeps agents")
        return owner

    def _read(self) -> dict[str, Row]:
        stored = self._stored()
        if stored is None:
            log.error("%s is damaged: fields of agents are missing", self._file)
        return {
            key: cast("Row", row) for key, row in (stored or {}).items() if isinstance(row, dict)
        }

    def _stored(self) -> Row | None:
        """Return the content of the file; None when it is no JSON object."""
        try:
            stored: object = orjson.loads(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except orjson.JSONDecodeError:
            return None
        return cast("Row", stored) if isinstance(stored, dict) else None

    def _write(self, extras: Mapping[str, Row]) -> None:
        try:
            if self._stored() is None:
                self._file.replace(self._file.with_name(f"agents.json.broken-{int(time.time())}"))
            write_atomic(self._file, orjson.dumps(extras, option=orjson.OPT_INDENT_2), mode=0o600)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise Unavailable(f"agents.json cannot be written: {reason}") from None


def slug(name: str) -> str:
    """Return an id for a name: lower case, `-` for other characters, at most 64 characters."""
    return re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-_")[:64]


def _check(fields: Row) -> None:
    """Raise BadRequest for an empty name, TooLarge for fields that are no settings of an agent."""
    if len(orjson.dumps(fields)) > MAX_BYTES:
        raise TooLarge(f"An agent may have {MAX_BYTES >> 10} KiB of fields")
    if not str(fields.get("name", "unchanged")).strip():
        raise BadRequest("`name` must not be empty")


def _agent_fields(owner: RegisteredRuntime) -> frozenset[str]:
    """Return the names of the fields that the runtime stores."""
    try:
        value: object = cast("KeepsAgents", owner.runtime).agent_fields
        return cast("frozenset[str]", require_type(value, frozenset[str], "agent_fields"))
    except PLAIN_CALL_ERRORS as error:
        owner.plugin.add_fault("agent_fields", _fault_of_fields(error))
        raise UpstreamFailed("The runtime could not name the fields of its agents") from error


def _fault_of_fields(error: BaseException) -> str:
    is_told = isinstance(error, PluginError)
    return str(error) if is_told else f"agent_fields raised {describe_exception(error)}"


async def _agents(owner: RegisteredRuntime) -> Sequence[Agent]:
    return await owner.call(KeepsAgents.agents, action="list its agents", seconds=LIST_SECONDS)
