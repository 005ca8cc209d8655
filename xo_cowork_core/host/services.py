"""Builds every service of one app. Nothing is read, written or started here.

`build_services` is the whole wiring. Each function below it builds one layer from those before it.
"""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from xo_cowork_core import __version__
from xo_cowork_core.api.dependencies import Services
from xo_cowork_core.api.streaming.frame_cache import FrameCache
from xo_cowork_core.host.connectors import build_connectors
from xo_cowork_core.host.loop_watchdog import LoopWatchdog
from xo_cowork_core.host.metrics import build_samplers
from xo_cowork_core.host.plugins.context import build_plugin_paths
from xo_cowork_core.host.private_files import list_env_files, list_private_paths
from xo_cowork_core.host.restart import build_lifecycle
from xo_cowork_core.host.service_groups import (
    BaseServices,
    ConfigServices,
    ConnectorServices,
    IndexServices,
    ProjectServices,
    ServiceGroups,
    TurnServices,
)
from xo_cowork_core.host.settings.model import Settings
from xo_cowork_core.host.swarm import build_swarm
from xo_cowork_core.host.webhook import build_webhook
from xo_cowork_core.services.clock import SystemClock
from xo_cowork_core.services.config.catalogs import Catalogs
from xo_cowork_core.services.config.configurations import Configurations
from xo_cowork_core.services.config.local_models import LocalModels
from xo_cowork_core.services.config.onboarding import Onboarding
from xo_cowork_core.services.config.providers import Providers
from xo_cowork_core.services.connectors.clients import OAuthClients
from xo_cowork_core.services.connectors.exports.loader import ExportsLoader
from xo_cowork_core.services.connectors.turn_environments import TurnEnvironments
from xo_cowork_core.services.eventlog.log import EventLog
from xo_cowork_core.services.files.files import Files
from xo_cowork_core.services.history.host_history import HostHistory
from xo_cowork_core.services.history.hosted_sessions import HostedSessions
from xo_cowork_core.services.history.interrupted_answers import InterruptedAnswers
from xo_cowork_core.services.http import SharedHttpClient
from xo_cowork_core.services.idempotency import Idempotency
from xo_cowork_core.services.index import schema as index_schema
from xo_cowork_core.services.index.index import Index
from xo_cowork_core.services.index.indexer import Indexer
from xo_cowork_core.services.index.refresher import IndexRefresher
from xo_cowork_core.services.index.runtime_store_source import RuntimeStoreSource
from xo_cowork_core.services.mcp.run_servers import RunServers
from xo_cowork_core.services.processes.supervisor import ProcessSupervisor
from xo_cowork_core.services.projects.memory import WorkspaceMemory
from xo_cowork_core.services.projects.project_files import ProjectFiles
from xo_cowork_core.services.projects.project_roots import ProjectRoots
from xo_cowork_core.services.projects.project_stats import ProjectStats
from xo_cowork_core.services.projects.projects import Projects
from xo_cowork_core.services.projects.recorder import ProjectRecorder
from xo_cowork_core.services.projects.write_queue import WriteQueue
from xo_cowork_core.services.public_address import PublicAddress
from xo_cowork_core.services.runtimes.agents import Agents
from xo_cowork_core.services.runtimes.gateways import Gateways
from xo_cowork_core.services.runtimes.models import Models
from xo_cowork_core.services.runtimes.readiness import Readiness
from xo_cowork_core.services.runtimes.registry import Registry
from xo_cowork_core.services.runtimes.selector import RuntimeSelector
from xo_cowork_core.services.runtimes.session_closer import SessionCloser
from xo_cowork_core.services.runtimes.skills import Skills
from xo_cowork_core.services.secrets.audit import SecretAudit
from xo_cowork_core.services.secrets.credential_hints import CredentialHints
from xo_cowork_core.services.secrets.forms import SecretForms
from xo_cowork_core.services.secrets.masking import SecretMasker
from xo_cowork_core.services.secrets.redaction import SecretRedactor
from xo_cowork_core.services.secrets.secret_files import SecretFiles
from xo_cowork_core.services.secrets.secret_services import SecretServices
from xo_cowork_core.services.secrets.secret_store import SecretStore
from xo_cowork_core.services.sessions.changes import SessionChanges
from xo_cowork_core.services.sessions.host_session_source import HostSessionSource
from xo_cowork_core.services.sessions.sessions import Sessions
from xo_cowork_core.services.sessions.trash import Trash
from xo_cowork_core.services.turns.legacy_chat import LegacyChat
from xo_cowork_core.services.turns.resolver import TurnResolver
from xo_cowork_core.services.turns.session_reservations import SessionReservations
from xo_cowork_core.services.turns.turn_store import TurnStore
from xo_cowork_core.services.turns.turns import Turns
from xo_cowork_core.services.usage.prices import Prices
from xo_cowork_core.services.usage.report import UsageReports
from xo_cowork_core.services.workspace import Workspace
from xo_cowork_core.storage.database import Database
from xo_cowork_core.storage.state_schema import DURABLE_TABLES, STEPS

if TYPE_CHECKING:
    from xo_cowork_core.services.swarm.swarm import Swarm
    from xo_cowork_core.services.webhook.webhook import Webhook


class AppState(NamedTuple):
    """Everything that the host holds of one app: what routes call, and what it starts and stops."""

    services: Services
    processes: ProcessSupervisor
    database: Database
    hosted: HostedSessions
    trash: Trash
    host_sessions: HostSessionSource
    closer: SessionCloser
    refresher: IndexRefresher
    http: SharedHttpClient
    swarm: "Swarm | None"
    webhook: "Webhook | None"
    oauth_clients: OAuthClients
    exports: ExportsLoader
    turn_environments: TurnEnvironments
    run_servers: RunServers
    redactor: SecretRedactor
    watchdog: LoopWatchdog


def build_services(
    settings: Settings, *, run_dir: Path | None = None, port: int | None = None
) -> AppState:
    """Build every service of one app.

    `run_dir` is the folder of the process ledger, by default the state folder: a command beside a
    running server must not touch that server's ledger. `port` is the port on which the server
    listens, where the settings leave it open.
    """
    address = PublicAddress(settings.public_url, settings.base_url(port or settings.port))
    base = _build_base(settings, address, run_dir or settings.state_dir)
    connectors = build_connectors(settings, base)
    index = _build_index(settings, base)
    projects = _build_projects(settings, base, index)
    swarm = build_swarm(settings, base, connectors, index)
    webhook = build_webhook(settings, base, connectors)
    turns = _build_turns(settings, base, connectors, index, projects, swarm, webhook)
    config = _build_config(settings, base, connectors)
    groups = ServiceGroups(base, connectors, config, index, projects, turns)
    services = _build_route_services(settings, groups)
    return AppState(
        services=services,
        processes=base.processes,
        database=base.database,
        hosted=base.hosted,
        trash=base.trash,
        host_sessions=index.host_sessions,
        closer=turns.closer,
        refresher=index.refresher,
        http=connectors.http,
        swarm=swarm,
        webhook=webhook,
        oauth_clients=connectors.clients,
        exports=connectors.exports,
        turn_environments=connectors.turn_environments,
        run_servers=connectors.run_servers,
        redactor=base.redactor,
        watchdog=base.watchdog,
    )


def _build_base(settings: Settings, address: PublicAddress, run_dir: Path) -> BaseServices:
    clock = SystemClock()
    registry = Registry()
    readiness = Readiness(clock)
    default_runtime = settings.default_runtime or None
    database = Database(settings.state_dir / "state.db", STEPS, durable_tables=DURABLE_TABLES)
    home, projects_root, state_dir = Path.home(), settings.projects_root, settings.state_dir
    return BaseServices(
        address=address,
        clock=clock,
        registry=registry,
        watchdog=LoopWatchdog(registry.plugins),
        redactor=SecretRedactor(),
        readiness=readiness,
        selector=RuntimeSelector(registry, readiness, configured_name=default_runtime),
        database=database,
        processes=ProcessSupervisor(run_dir),
        eventlog=EventLog(database, clock),
        history=HostHistory(database),
        hosted=HostedSessions(database),
        trash=Trash(database, clock, state_dir / "trash"),
        files=Files(home, projects_root, state_dir, env_files=partial(list_env_files, registry)),
        workspace=Workspace(
            home, projects_root, partial(list_private_paths, home, state_dir, registry)
        ),
        project_writes=WriteQueue(),
    )


def _build_config(
    settings: Settings, base: BaseServices, connectors: ConnectorServices
) -> ConfigServices:
    secrets = _build_secrets(settings, base)
    return ConfigServices(
        secrets=secrets,
        catalogs=Catalogs(base.registry, base.workspace),
        configurations=Configurations(base.registry, base.redactor),
        providers=Providers(base.selector, secrets.store),
        local_models=LocalModels(
            connectors.http,
            base.clock,
            url=settings.ollama_url,
            find_program=build_plugin_paths(settings, "").binary,
        ),
        onboarding=Onboarding(settings.state_dir, base.clock),
    )


def _build_index(settings: Settings, base: BaseServices) -> IndexServices:
    file = settings.state_dir / f"index-{index_schema.VERSION}.db"
    database = Database(file, index_schema.STEPS, index_schema.PRAGMAS)
    find_project = partial(_find_project, base.workspace)
    indexer = Indexer(database, base.registry, find_project, base.trash.places)
    index = Index(database, indexer, find_project)
    usage = UsageReports(index, Prices(settings.state_dir), base.clock)
    project_stats = ProjectStats(index, usage, base.clock, base.project_writes.request)
    host_sessions = HostSessionSource(index, base.registry, base.hosted, base.history)
    runtime_stores = RuntimeStoreSource(index, base.registry)
    # the statistics are last: they read what the other sources wrote
    sources = [host_sessions, runtime_stores, project_stats]
    return IndexServices(
        index=index,
        refresher=IndexRefresher(index, indexer, sources),
        host_sessions=host_sessions,
        sessions=Sessions(
            base.database,
            base.registry,
            base.history,
            base.hosted,
            InterruptedAnswers(base.database),
            index,
        ),
        usage=usage,
        project_stats=project_stats,
    )


def _build_projects(
    settings: Settings, base: BaseServices, index: IndexServices
) -> ProjectServices:
    files = ProjectFiles(settings.projects_root)
    return ProjectServices(
        projects=Projects(files, base.files.folders, base.clock),
        recorder=ProjectRecorder(files, base.clock, index.project_stats, base.project_writes),
        memory=WorkspaceMemory(files, base.workspace),
        project_roots=ProjectRoots(base.selector, settings.projects_root),
    )


def _build_resolver(
    settings: Settings, base: BaseServices, connectors: ConnectorServices, index: IndexServices
) -> TurnResolver:
    return TurnResolver(
        base.registry,
        base.selector,
        index.sessions,
        base.workspace,
        redactor=base.redactor,
        run_servers=connectors.run_servers,
        git_credentials=connectors.agent_access.git_credentials,
        permission_mode=settings.permission_mode,
    )


def _build_turns(
    settings: Settings,
    base: BaseServices,
    connectors: ConnectorServices,
    index: IndexServices,
    projects: ProjectServices,
    swarm: "Swarm | None",
    webhook: "Webhook | None",
) -> TurnServices:
    resolver = _build_resolver(settings, base, connectors, index)
    closer = SessionCloser(base.registry)
    listeners = [index.host_sessions, projects.recorder, closer, swarm and swarm.messages, webhook]
    turns = Turns(
        resolver=resolver,
        registry=base.registry,
        eventlog=base.eventlog,
        store=TurnStore(base.database, base.history),
        run_tokens=connectors.run_servers.tokens,
        clock=base.clock,
        stop_owner=base.processes.stop_owner,
        permission_seconds=settings.permission_timeout,
        listeners=[listener for listener in listeners if listener],
    )
    changes = _build_changes(base, index, turns, closer)
    reservations = SessionReservations(
        resolver=resolver,
        sessions=index.sessions,
        hosted=base.hosted,
        source=index.host_sessions,
        workspace=base.workspace,
        run_tokens=connectors.run_servers.tokens,
        clock=base.clock,
    )
    legacy = _build_legacy_chat(turns, base, index, swarm)
    return TurnServices(turns, closer, changes, reservations, legacy, webhook)


def _build_changes(
    base: BaseServices, index: IndexServices, turns: Turns, closer: SessionCloser
) -> SessionChanges:
    return SessionChanges(
        clock=base.clock,
        sessions=index.sessions,
        hosted=base.hosted,
        index=index.index,
        workspace=base.workspace,
        trash=base.trash,
        running_stream=turns.running_stream,
        close_session=closer.close,
    )


def _build_legacy_chat(
    turns: Turns, base: BaseServices, index: IndexServices, swarm: "Swarm | None"
) -> LegacyChat:
    return LegacyChat(
        turns, index.sessions, base.eventlog, base.database, base.clock, swarm and swarm.messages
    )


def _build_secrets(settings: Settings, base: BaseServices) -> SecretServices:
    logs = settings.state_dir / "audit"
    store = SecretStore(
        SecretFiles(base.registry, base.selector, settings.env_file),
        SecretAudit(logs / "secrets.jsonl", base.clock),
        base.redactor,
        on_change=base.readiness.forget,
    )
    refusals = SecretAudit(logs / "refused.jsonl", base.clock)
    hints = CredentialHints(base.registry)
    return SecretServices(store, SecretForms(base.registry, store), hints, refusals)


def _build_agents(settings: Settings, base: BaseServices) -> Agents:
    return Agents(
        base.selector,
        base.clock,
        settings.state_dir,
        projects_root=settings.projects_root,
        mask=SecretMasker(redact=base.redactor.redact).mask,
    )


def _build_route_services(settings: Settings, groups: ServiceGroups) -> Services:
    base, connectors, config, index, projects, turns = groups
    return Services(
        version=__version__,
        stage=settings.stage,
        wire_style=settings.wire_style,
        clock=base.clock,
        public_address=base.address,
        registry=base.registry,
        readiness=base.readiness,
        selector=base.selector,
        eventlog=base.eventlog,
        index=index.index,
        sessions=index.sessions,
        usage=index.usage,
        turns=turns.turns,
        changes=turns.changes,
        reservations=turns.reservations,
        legacy=turns.legacy,
        **projects._asdict(),
        files=base.files,
        skills=Skills(base.registry, base.workspace),
        agents=_build_agents(settings, base),
        models=Models(base.registry, base.readiness, base.selector),
        gateways=Gateways(base.selector),
        connections=connectors.connections,
        connection_events=connectors.events,
        auth_flows=connectors.auth_flows,
        project_access=connectors.project_access,
        **connectors.agent_access._asdict(),
        **config._asdict(),
        identity=connectors.identity,
        lifecycle=build_lifecycle(),
        idempotency=Idempotency(base.database, base.clock),
        frame_cache=FrameCache(),
        samplers=build_samplers(base, connectors.events, turns),
    )


def _find_project(workspace: Workspace, directory: str | None) -> str | None:
    return workspace.project_id_of(Path(directory)) if directory else None
