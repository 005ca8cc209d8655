"""Take plugins in, one at a time: ask, check everything, and only then let any of it in."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import APIRouter

from xo_cowork_core.host.plugins.context import PluginContext, plugin_paths
from xo_cowork_core.host.plugins.discovery import Candidate
from xo_cowork_core.host.plugins.hook_caller import HookCaller, PluginFault
from xo_cowork_core.host.plugins.routes import RouteKey, RouteRegistry
from xo_cowork_core.host.plugins.validation import claims_of, connector_of, info_of, secrets_of
from xo_cowork_core.host.settings.model import Settings, read_plugin_settings
from xo_cowork_core.host.settings.sources import SettingError
from xo_cowork_core.sdk import Claims, Connector, HostContext, Runtime
from xo_cowork_core.services.processes import ProcessSupervisor
from xo_cowork_core.services.runtimes.registry import (
    PluginRecord,
    RegisteredConnector,
    RegisteredRuntime,
    Registry,
)
from xo_cowork_core.services.secrets.env_file import EnvFileSecrets

log = logging.getLogger("xo_cowork.host")


class StartRefused(Exception):  # reads as what happened
    """The server must not start; the text is one line for a person."""


@dataclass(slots=True)
class LoadedPlugin:
    """One plugin that passed every check."""

    calls: HookCaller
    context: HostContext
    claims: Claims
    secrets: EnvFileSecrets
    runtimes: list[RegisteredRuntime] = field(default_factory=list[RegisteredRuntime])
    connectors: list[RegisteredConnector] = field(default_factory=list[RegisteredConnector])
    routers: list[APIRouter] = field(default_factory=list[APIRouter])
    routes: list[RouteKey] = field(default_factory=list[RouteKey])

    @property
    def record(self) -> PluginRecord:
        return self.calls.record


@dataclass(frozen=True, slots=True)
class PluginRegistrar:
    """What wiring needs of the app."""

    settings: Settings
    registry: Registry
    processes: ProcessSupervisor
    book: RouteRegistry

    def take_all(self, candidates: Sequence[Candidate]) -> list[LoadedPlugin]:
        """Register every candidate's record, and return those that may be mounted."""
        wired: list[LoadedPlugin] = []
        for candidate in candidates:
            record = candidate.record
            self.registry.plugins[record.name] = record
            try:
                if candidate.plugin is not None:
                    wired.append(self._take(record, candidate.plugin))
            except PluginFault as fault:
                record.fail(str(fault))
                log.warning("plugin %s: %s", record.name, fault, exc_info=fault.__cause__)
            if self.settings.plugins_strict and record.state not in {"loaded", "disabled"}:
                raise StartRefused(f"plugin {record.name} is {record.state}: {record.error}")
        return wired

    def _take(self, record: PluginRecord, plugin: object) -> LoadedPlugin:
        wired = self._ask(HookCaller(record, plugin))
        wired.routes = self.book.check_routes(wired.claims.prefixes, wired.routers)
        self._check_names(wired)
        self.book.add(record.name, wired.claims.prefixes, wired.routes)
        record.routes = [f"{method} {path}" for method, path in wired.routes]
        for runtime in wired.runtimes:
            self.registry.add_runtime(runtime)
        for connector in wired.connectors:
            self.registry.connectors[connector.name] = connector
        if wired.calls.has("xo_turn_env"):
            self.registry.add_turn_hooks(environment=wired.calls.turn_environment)
        if wired.calls.has("xo_turn_finished"):
            self.registry.add_turn_hooks(finished=wired.calls.turn_finished)
        return wired

    def _ask(self, calls: HookCaller) -> LoadedPlugin:
        record = calls.record
        record.claims = claims_of(calls)
        self.book.check(record.claims.prefixes)
        record.secrets = secrets_of(calls)
        secrets = self._secrets(record)
        context = self._context(record, secrets)
        wired = LoadedPlugin(calls, context, record.claims, secrets)
        for runtime in calls.items("xo_runtimes", Runtime, context=context):
            wired.runtimes.append(RegisteredRuntime(info_of(runtime), runtime, record, secrets))
        for connector in calls.items("xo_connectors", Connector, context=context):
            wired.connectors.append(connector_of(connector, record))
        runtimes = [found.runtime for found in wired.runtimes]
        wired.routers = calls.items("xo_routers", APIRouter, context=context, runtimes=runtimes)
        return wired

    def _secrets(self, record: PluginRecord) -> EnvFileSecrets:
        named = record.claims.env_file
        file = Path(named).expanduser() if named else self.settings.state_dir / "env"
        keys = [secret.key for secret in record.secrets]
        return EnvFileSecrets(file, keys=keys, environment=self.settings.source.environment)

    def _context(self, record: PluginRecord, secrets: EnvFileSecrets) -> PluginContext:
        try:
            declared = tuple(record.claims.settings)
            values = read_plugin_settings(self.settings.source, declared)
        except SettingError as error:
            raise PluginFault(str(error)) from None
        return PluginContext(
            paths=plugin_paths(self.settings, record.name),
            secrets=secrets,
            processes=self.processes.for_plugin(record.name),
            log=logging.getLogger(f"xo_cowork.{record.name}"),
            settings=values,
        )

    def _check_names(self, wired: LoadedPlugin) -> None:
        names: set[str] = set()
        for found in wired.runtimes:
            for name in {found.info.name, *found.info.aliases}:
                if owner := self.registry.runtime(name):
                    raise PluginFault(f"its runtime {name} is {owner.plugin.name}'s already")
                if name in names:
                    raise PluginFault(f"it has the runtime {name} twice")
                names.add(name)
        for connector in wired.connectors:
            if owner := self.registry.connectors.get(connector.name):
                raise PluginFault(
                    f"its connector {connector.name} is {owner.plugin.name}'s already"
                )
