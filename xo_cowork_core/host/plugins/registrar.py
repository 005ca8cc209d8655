"""Register plugins one at a time: call the wiring hooks, check everything, then add the parts."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from fastapi import APIRouter

from xo_cowork_core.api.deferred_router import DeferredRouter
from xo_cowork_core.api.route_family import RoutePolicy
from xo_cowork_core.host.plugins.context import PluginContext, build_plugin_paths
from xo_cowork_core.host.plugins.discovery import DiscoveredPlugin
from xo_cowork_core.host.plugins.hook_caller import HookCaller
from xo_cowork_core.host.plugins.plugin_routes import PluginRoutes
from xo_cowork_core.host.plugins.routes import RouteRegistry
from xo_cowork_core.host.plugins.tasks import PluginTasks
from xo_cowork_core.host.plugins.validation import (
    describe_connector,
    describe_runtime,
    read_contributions,
    read_secret_fields,
)
from xo_cowork_core.host.settings.model import Settings, read_plugin_settings
from xo_cowork_core.host.settings.sources import SettingError
from xo_cowork_core.sdk import HttpClient, LazyRouter, Runtime
from xo_cowork_core.sdk.connector import Connector, ProvidesRawTokens, ProvidesTurnEnvironment
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_cowork_core.services.auth_flows.loader import AuthFlowsLoader
from xo_cowork_core.services.auth_flows.plugin_sign_ins import PluginSignIns
from xo_cowork_core.services.connectors.connections import Connections
from xo_cowork_core.services.connectors.plugins.plugin_connections import PluginConnections
from xo_cowork_core.services.connectors.plugins.plugin_tokens import PluginTokens
from xo_cowork_core.services.connectors.turn_environments import TurnEnvironments
from xo_cowork_core.services.mcp.run_servers import RunServers
from xo_cowork_core.services.processes.supervisor import ProcessSupervisor
from xo_cowork_core.services.public_address import PublicAddress
from xo_cowork_core.services.runtimes.call_thread import CallThread
from xo_cowork_core.services.runtimes.plugin_record import PluginError, PluginRecord
from xo_cowork_core.services.runtimes.registry import (
    RegisteredConnector,
    RegisteredRuntime,
    Registry,
)
from xo_cowork_core.services.secrets.env_file import EnvFileSecrets
from xo_cowork_core.services.secrets.redaction import RedactionFilter, SecretRedactor

log = logging.getLogger("xo_cowork.host")


class StartupError(Exception):
    """The server must not start; the text is one line for a person."""


class LoadedPlugin(NamedTuple):
    """The parts of one plugin that passed every check. Lazy routes in `router` are checked when
    they are built."""

    hooks: HookCaller
    context: PluginContext
    runtimes: Sequence[RegisteredRuntime] = ()
    connectors: Sequence[RegisteredConnector] = ()
    router: DeferredRouter | None = None

    @property
    def record(self) -> PluginRecord:
        return self.hooks.record

    @property
    def policies(self) -> Mapping[str, RoutePolicy]:
        return {
            path: RoutePolicy(public=policy.public, streams_upload=policy.streams_upload)
            for path, policy in self.record.contributions.policies.items()
        }


@frozen_dataclass
class PluginRegistrar:
    """Registers the plugins of one app in its registry and its table of routes.

    With `defers_routes` lazy routes of plugins are built when they are first needed.
    """

    settings: Settings
    registry: Registry
    processes: ProcessSupervisor
    routes: RouteRegistry
    address: PublicAddress
    connections: Connections
    run_servers: RunServers
    turn_environments: TurnEnvironments
    auth_flows: AuthFlowsLoader
    http: HttpClient
    thread: CallThread
    redactor: SecretRedactor
    defers_routes: bool

    def register_all(self, discovered: Sequence[DiscoveredPlugin]) -> list[LoadedPlugin]:
        """Add every record to the registry; return the plugins that may be mounted.

        Raises StartupError for the first broken plugin where plugins are strict.
        """
        loaded: list[LoadedPlugin] = []
        for candidate in discovered:
            record = candidate.record
            self.registry.add_plugin(record)
            try:
                if candidate.plugin is not None:
                    loaded.append(self._register(record, candidate.plugin))
            except PluginError as fault:
                record.fail(str(fault))
                log.warning("plugin %s: %s", record.name, fault, exc_info=fault.__cause__)
            if self.settings.plugins_strict and record.state not in {"loaded", "disabled"}:
                raise StartupError(f"plugin {record.name} is {record.state}: {record.error}")
        return loaded

    def _register(self, record: PluginRecord, plugin: object) -> LoadedPlugin:
        loaded = self._load(HookCaller(record, plugin, self.thread))
        self.routes.add(record.name, record.contributions.prefixes)
        for runtime in loaded.runtimes:
            self.registry.add_runtime(runtime)
        for connector in loaded.connectors:
            self.registry.add_connector(connector)
            if isinstance(connector.connector, ProvidesTurnEnvironment | ProvidesRawTokens):
                environment = partial(self.turn_environments.read, connector.info.name)
                self.registry.add_turn_hooks(record, environment=environment)
        hooks = loaded.hooks
        self.registry.add_turn_hooks(
            record,
            environment=hooks.turn_environment if hooks.implements("xo_turn_env") else None,
            finished=hooks.turn_finished if hooks.implements("xo_turn_finished") else None,
        )
        return loaded

    def _load(self, hooks: HookCaller) -> LoadedPlugin:
        """Call the wiring hooks in their order and check the results; nothing is added yet."""
        record = hooks.record
        contributions = read_contributions(hooks)
        record.declare(contributions)
        self.routes.check_claims(contributions.prefixes)
        self.routes.check_policies(contributions)
        record.declare(contributions, read_secret_fields(hooks))
        secrets = self._build_secrets(record)
        context = self._build_context(record, secrets)
        runtimes = [
            RegisteredRuntime(describe_runtime(runtime), runtime, record, secrets)
            for runtime in hooks.call_for_list("xo_runtimes", Runtime, context=context)
        ]
        connectors = [
            replace(describe_connector(connector, record), secrets=secrets)
            for connector in hooks.call_for_list("xo_connectors", Connector, context=context)
        ]
        routers = hooks.call_for_list(
            "xo_routers",
            APIRouter | LazyRouter,
            context=context,
            runtimes=[registered.runtime for registered in runtimes],
            connectors=[registered.connector for registered in connectors],
        )
        router = self._build_router(hooks, routers)
        self._check_runtime_names(runtimes)
        self._check_connector_names(connectors)
        names = [connector.info.name for connector in connectors]
        self.routes.check_connector_claims(contributions.prefixes, names)
        return LoadedPlugin(hooks, context, runtimes, connectors, router)

    def _build_router(
        self, hooks: HookCaller, routers: Sequence[APIRouter | LazyRouter]
    ) -> DeferredRouter | None:
        if not routers:
            return None
        is_deferred = self.defers_routes and any(isinstance(each, LazyRouter) for each in routers)
        # to describe the routes of a plugin takes as long as to import them
        routes = PluginRoutes(hooks, self.routes, routers, checks_schemas=not is_deferred)
        router = DeferredRouter(hooks.record.contributions.prefixes, routes.add_to)
        if not is_deferred:
            router.load()
        return router

    def _build_secrets(self, record: PluginRecord) -> EnvFileSecrets:
        # a link may lead elsewhere later, so that it is followed at each access
        file = self._env_file_of(record)
        target, usual = file.resolve(), self.settings.env_file.resolve()
        files = [self._env_file_of(each) for each in self.registry.plugins.values()]
        resolved = {each: each.resolve() for each in set(files)}
        secrets = EnvFileSecrets(
            file,
            keys=[secret.key for secret in record.secrets],
            environment=self.settings.source.environment,
            owns_file=target != usual and [resolved[each] for each in files].count(target) == 1,
            redactor=self.redactor,
        )
        required = [secret.key for secret in record.secrets if secret.required]
        record.set_secrets(str(file), secrets, partial(secrets.missing, required))
        return secrets

    def _env_file_of(self, record: PluginRecord) -> Path:
        env_file = record.contributions.env_file
        return Path(env_file).expanduser() if env_file else self.settings.env_file

    def _build_context(self, record: PluginRecord, secrets: EnvFileSecrets) -> PluginContext:
        try:
            values = read_plugin_settings(self.settings.source, record.contributions.settings)
        except SettingError as error:
            raise PluginError(str(error)) from None
        log = self._build_logger(record)
        return PluginContext(
            paths=build_plugin_paths(self.settings, record.name),
            secrets=secrets,
            processes=self.processes.for_plugin(record.name),
            tokens=PluginTokens(record.name, self.registry, self.connections),
            connections=PluginConnections(record.name, self.registry, self.connections),
            sign_in=PluginSignIns(record.name, self.registry, self.auth_flows, self.address),
            http=self.http,
            log=log,
            settings=values,
            address=self.address,
            tasks=PluginTasks(record, log),
            mcp_servers=partial(self.run_servers.shared, record.name),
        )

    def _build_logger(self, record: PluginRecord) -> logging.Logger:
        logger = logging.getLogger(f"xo_cowork.{record.name}")
        # loggers outlive an app
        for each in [each for each in logger.filters if isinstance(each, RedactionFilter)]:
            logger.removeFilter(each)
        logger.addFilter(RedactionFilter(self.redactor))
        return logger

    def _check_runtime_names(self, runtimes: Sequence[RegisteredRuntime]) -> None:
        names: set[str] = set()
        for registered in runtimes:
            for name in {registered.info.name, *registered.info.aliases}:
                if owner := self.registry.runtime(name):
                    raise PluginError(f"its runtime {name} is {owner.plugin.name}'s already")
                if name in names:
                    raise PluginError(f"it has the runtime {name} twice")
                names.add(name)

    def _check_connector_names(self, connectors: Sequence[RegisteredConnector]) -> None:
        names: set[str] = set()
        for registered in connectors:
            name = registered.info.name
            if owner := self.registry.connectors.get(name):
                raise PluginError(f"its connector {name} is {owner.plugin.name}'s already")
            if name in names:
                raise PluginError(f"it has the connector {name} twice")
            names.add(name)
