"""The registry of plugins, runtimes and connectors.

The host fills it while it loads plugins; services only read it. It owns no task.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

from pydantic import SecretStr

from xo_cowork_core.sdk import (
    Answers,
    ChecksHealth,
    ClosesSessions,
    Contributions,
    EditsHistory,
    Health,
    Interrupts,
    KeepsHistory,
    ListsModels,
    OffersSkills,
    OpensSessions,
    Runtime,
    RuntimeInfo,
    SecretField,
    Secrets,
    Turn,
    TurnOutcome,
)
from xo_cowork_core.sdk.connector import Connector, ConnectorInfo
from xo_cowork_core.sdk.runtime.agents import HasChannels, HasGateway, KeepsAgents, ReportsStatus
from xo_cowork_core.sdk.runtime.transcripts import KeepsTranscripts

PluginState: TypeAlias = Literal[
    "disabled",
    "missing",
    "incompatible",
    "failed",
    "loaded",
    "starting",
    "ready",
    "degraded",
    "stopping",
    "stopped",
]
HEALTH_SECONDS = 5.0
ABILITIES: Mapping[str, type] = MappingProxyType(
    {
        "interrupts": Interrupts,
        "answers": Answers,
        "keeps_history": KeepsHistory,
        "keeps_transcripts": KeepsTranscripts,
        "edits_history": EditsHistory,
        "checks_health": ChecksHealth,
        "closes_sessions": ClosesSessions,
        "opens_sessions": OpensSessions,
        "lists_models": ListsModels,
        "offers_skills": OffersSkills,
        "keeps_agents": KeepsAgents,
        "has_channels": HasChannels,
        "has_gateway": HasGateway,
        "tells_status": ReportsStatus,
    }
)
log = logging.getLogger("xo_cowork.registry")


@dataclass(slots=True)
class PluginRecord:
    """The state and declarations of one plugin. `kind` is `runtime`, `connector` or `plugin`."""

    name: str
    kind: str = "plugin"
    distribution: str = ""
    version: str = ""
    state: PluginState = "loaded"
    error: str = ""
    import_ms: float = 0.0
    contributions: Contributions = field(default_factory=Contributions)
    routes: list[str] = field(default_factory=list[str])
    secrets: list[SecretField] = field(default_factory=list[SecretField])
    auth: list[str] = field(default_factory=list[str])

    @property
    def serves(self) -> bool:
        """Whether its runtimes and connectors can be called."""
        return self.state in {"ready", "degraded"}

    @property
    def is_starting(self) -> bool:
        """Whether it is loaded and not started yet."""
        return self.state in {"loaded", "starting"}

    def set_state(self, state: PluginState, error: str | None = None) -> None:
        """Enter a state; the error stays where none is given."""
        self.state = state
        if error is not None:
            self.error = error

    def fail(self, error: str) -> None:
        """Enter the state `failed`. `error` is one line."""
        self.set_state("failed", error)

    def set_import_time(self, milliseconds: float) -> None:
        """Record how long the import took."""
        self.import_ms = milliseconds

    def declare(self, contributions: Contributions, secrets: Sequence[SecretField] = ()) -> None:
        """Record what the plugin declares of itself."""
        self.contributions = contributions
        self.secrets = list(secrets)

    def set_routes(self, routes: Sequence[str]) -> None:
        """Record the routes that were accepted, as `METHOD /path`."""
        self.routes = list(routes)


@dataclass(frozen=True, slots=True)
class RegisteredRuntime:
    """A runtime with its plugin and the secrets that its agents get."""

    info: RuntimeInfo
    runtime: Runtime
    plugin: PluginRecord
    secrets: Secrets

    @property
    def abilities(self) -> list[str]:
        """The names in `ABILITIES` of the abilities that the runtime has."""
        return [name for name, kind in ABILITIES.items() if isinstance(self.runtime, kind)]

    async def health(self) -> Health:
        """Check the runtime within `HEALTH_SECONDS`, unless its plugin does not serve."""
        if not self.plugin.serves:
            return Health(
                state="starting" if self.plugin.is_starting else "failed",
                detail=self.plugin.error
                or f"The plugin {self.plugin.name} is {self.plugin.state}.",
            )
        if not isinstance(self.runtime, ChecksHealth):
            return Health(state="ready")
        try:
            async with asyncio.timeout(HEALTH_SECONDS):
                return await self.runtime.health()
        except TimeoutError:
            # on a busy machine a turn may still work, and has time limits of its own
            return Health(state="degraded", detail="Its health check took too long.")
        except (Exception, SystemExit):
            # a SystemExit out of a task would end the event loop
            log.exception("health of %s", self.info.name)
            return Health(state="failed", detail="Its health check failed; the log says why.")


@dataclass(frozen=True, slots=True)
class RegisteredConnector:
    """A connector with its plugin, the kinds of its sign-in methods when it was loaded, and the
    secrets that its OAuth clients name."""

    info: ConnectorInfo
    connector: Connector
    plugin: PluginRecord
    auth: Sequence[str] = ()
    secrets: Secrets | None = None


class Registry:
    """The plugins of one app."""

    def __init__(self) -> None:
        self.plugins: dict[str, PluginRecord] = {}
        self.connectors: dict[str, RegisteredConnector] = {}
        self._runtimes: dict[str, RegisteredRuntime] = {}
        self._aliases: dict[str, str] = {}
        self._environments: list[Callable[[Turn], Mapping[str, SecretStr]]] = []
        self._listeners: list[Callable[[Turn, TurnOutcome], None]] = []

    def add_plugin(self, record: PluginRecord) -> None:
        """Add a plugin's record, whatever its state."""
        self.plugins[record.name] = record

    def add_connector(self, registered: RegisteredConnector) -> None:
        """Add a connector with its ways of signing in. The caller checks that its name is free."""
        self.connectors[registered.info.name] = registered
        registered.plugin.auth.extend(registered.auth)

    def add_runtime(self, registered: RegisteredRuntime) -> None:
        """Add a runtime. Raises ValueError when its name or an alias is taken."""
        names = (registered.info.name, *registered.info.aliases)
        taken = [name for name in names if name in self._aliases]
        if taken:
            raise ValueError(f"the runtime name {taken[0]!r} is taken")
        self._runtimes[registered.info.name] = registered
        self._aliases.update(dict.fromkeys(names, registered.info.name))

    def add_turn_hooks(
        self,
        environment: Callable[[Turn], Mapping[str, SecretStr]] | None = None,
        finished: Callable[[Turn, TurnOutcome], None] | None = None,
    ) -> None:
        """Add one plugin's `xo_turn_env` and `xo_turn_finished`, which never raise."""
        if environment:
            self._environments.append(environment)
        if finished:
            self._listeners.append(finished)

    def remove(self, plugin: str) -> None:
        """Remove the runtimes and connectors of a failed plugin."""
        removed = {n for n, runtime in self._runtimes.items() if runtime.plugin.name == plugin}
        self._runtimes = {n: r for n, r in self._runtimes.items() if n not in removed}
        self._aliases = {a: n for a, n in self._aliases.items() if n not in removed}
        self.connectors = {n: c for n, c in self.connectors.items() if c.plugin.name != plugin}

    def runtime(self, name: str) -> RegisteredRuntime | None:
        """Return a runtime by name or alias."""
        return self._runtimes.get(self._aliases.get(name, ""))

    def runtimes(self) -> Sequence[RegisteredRuntime]:
        """Return all runtimes, in the order in which a default is chosen."""
        return sorted(self._runtimes.values(), key=lambda each: (each.info.rank, each.info.name))

    def turn_environment(self, turn: Turn) -> dict[str, SecretStr]:
        """Return the variables that plugins add to a turn's environment."""
        variables: dict[str, SecretStr] = {}
        for environment in self._environments:
            variables.update(environment(turn))
        return variables

    def turn_finished(self, turn: Turn, outcome: TurnOutcome) -> None:
        """Call every plugin's `xo_turn_finished`."""
        for listener in self._listeners:
            listener(turn, outcome)
