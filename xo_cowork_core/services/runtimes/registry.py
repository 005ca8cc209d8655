"""The registry of plugins, runtimes and connectors.

The host fills it while it loads plugins; services only read it. It owns no task.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar, TypeVarTuple

from pydantic import SecretStr

from xo_cowork_core.sdk import (
    Answers,
    ChecksHealth,
    ClosesSessions,
    EditsHistory,
    Health,
    Interrupts,
    KeepsHistory,
    ListsModels,
    OffersSkills,
    OpensSessions,
    Runtime,
    RuntimeInfo,
    Secrets,
    Turn,
    TurnOutcome,
)
from xo_cowork_core.sdk.connector import (
    Connector,
    ConnectorInfo,
    ExportsConnections,
    ImportsConnections,
    ProvidesGitCredentials,
    ProvidesMcpServer,
    ProvidesRawTokens,
    ProvidesTurnEnvironment,
    RefreshesTokens,
    Revokes,
)
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_cowork_core.sdk.runtime.agents import (
    HasChannels,
    HasGateway,
    KeepsAgents,
    ListsAgents,
    ReportsStatus,
)
from xo_cowork_core.sdk.runtime.catalog import ListsAutomations, ListsMcpServers, ListsTools
from xo_cowork_core.sdk.runtime.configuration import (
    ListsProviders,
    ReportsAccount,
    ShowsConfiguration,
)
from xo_cowork_core.sdk.runtime.sign_in import LogsIn
from xo_cowork_core.sdk.runtime.transcripts import KeepsTranscripts
from xo_cowork_core.services.runtimes.calls import CALL_SECONDS, call_runtime
from xo_cowork_core.services.runtimes.health import check_health
from xo_cowork_core.services.runtimes.plugin_record import PluginRecord

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")
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
        "logs_in": LogsIn,
        "offers_skills": OffersSkills,
        "keeps_agents": KeepsAgents,
        "lists_agents": ListsAgents,
        "has_channels": HasChannels,
        "has_gateway": HasGateway,
        "tells_status": ReportsStatus,
        "lists_providers": ListsProviders,
        "shows_configuration": ShowsConfiguration,
        "reports_account": ReportsAccount,
        "lists_tools": ListsTools,
        "lists_mcp_servers": ListsMcpServers,
        "lists_automations": ListsAutomations,
    }
)

CONNECTOR_ABILITIES: Mapping[str, type] = MappingProxyType(
    {
        "revokes": Revokes,
        "refreshes_tokens": RefreshesTokens,
        "provides_turn_environment": ProvidesTurnEnvironment,
        "provides_raw_tokens": ProvidesRawTokens,
        "provides_mcp_server": ProvidesMcpServer,
        "provides_git_credentials": ProvidesGitCredentials,
        "exports_connections": ExportsConnections,
        "imports_connections": ImportsConnections,
        "checks_health": ChecksHealth,
    }
)


@frozen_dataclass
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

    async def call(
        self,
        method: Callable[[Any, *Arguments], Awaitable[T]],
        *arguments: *Arguments,
        action: str,
        seconds: float = CALL_SECONDS,
        of_agent: bool = False,
        is_optional: bool = False,
    ) -> T:
        """Call a method of the SDK on the runtime, as `call_runtime` does."""
        return await call_runtime(
            self.plugin,
            self.runtime,
            method,
            *arguments,
            action=action,
            seconds=seconds,
            of_agent=of_agent,
            is_optional=is_optional,
        )

    async def health(self) -> Health:
        """Check the runtime's health."""
        return await check_health(self.plugin, self.runtime, self.info.name)


@frozen_dataclass
class RegisteredConnector:
    """A connector with its plugin, the kinds of its sign-in methods when it was loaded, and the
    secrets that its OAuth clients name."""

    info: ConnectorInfo
    connector: Connector
    plugin: PluginRecord
    auth: Sequence[str] = ()
    secrets: Secrets | None = None

    @property
    def abilities(self) -> list[str]:
        """The names in `CONNECTOR_ABILITIES` of the abilities that the connector has."""
        abilities = CONNECTOR_ABILITIES.items()
        return [name for name, kind in abilities if isinstance(self.connector, kind)]


class Registry:
    """The plugins of one app."""

    def __init__(self) -> None:
        self.plugins: dict[str, PluginRecord] = {}
        self.connectors: dict[str, RegisteredConnector] = {}
        self._runtimes: dict[str, RegisteredRuntime] = {}
        self._aliases: dict[str, str] = {}
        self._environments: list[
            tuple[PluginRecord, Callable[[Turn], Awaitable[Mapping[str, SecretStr]]]]
        ] = []
        self._listeners: list[Callable[[Turn, TurnOutcome], Awaitable[None]]] = []

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
        plugin: PluginRecord,
        environment: Callable[[Turn], Awaitable[Mapping[str, SecretStr]]] | None = None,
        finished: Callable[[Turn, TurnOutcome], Awaitable[None]] | None = None,
    ) -> None:
        """Add one plugin's `xo_turn_env` and `xo_turn_finished`, which never raise."""
        if environment:
            self._environments.append((plugin, environment))
        if finished:
            self._listeners.append(finished)

    def plugin_states(self) -> dict[str, str]:
        """Map each plugin to its state."""
        return {name: record.state for name, record in self.plugins.items()}

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

    async def turn_environment(self, turn: Turn, owner: PluginRecord) -> dict[str, SecretStr]:
        """Return the variables that plugins add to the environment of a turn of `owner`.

        A secret of `owner` is set by another plugin only when that one declares it, too.
        """
        additions = await asyncio.gather(*(call(turn) for _, call in self._environments))
        protected = {secret.key for secret in owner.secrets}
        variables: dict[str, SecretStr] = {}
        for (plugin, _), added in zip(self._environments, additions, strict=True):
            foreign = protected - {secret.key for secret in plugin.secrets}
            for key in foreign & added.keys():
                text = f"xo_turn_env() must not set {key}, a secret of {owner.name}"
                plugin.add_fault("xo_turn_env()", f"{text}: declare it in xo_secrets")
            variables.update({key: added[key] for key in added.keys() - foreign})
        return variables

    async def turn_finished(self, turn: Turn, outcome: TurnOutcome) -> None:
        """Call every plugin's `xo_turn_finished`."""
        await asyncio.gather(*(listener(turn, outcome) for listener in self._listeners))
