"""The groups in which `build_services` builds the services of one app."""

from typing import TYPE_CHECKING, NamedTuple

from xo_cowork_core.host.loop_watchdog import LoopWatchdog
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_cowork_core.services.auth_flows.loader import AuthFlowsLoader
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.config.catalogs import Catalogs
from xo_cowork_core.services.config.configurations import Configurations
from xo_cowork_core.services.config.local_models import LocalModels
from xo_cowork_core.services.config.onboarding import Onboarding
from xo_cowork_core.services.config.providers import Providers
from xo_cowork_core.services.connectors.clients import OAuthClients
from xo_cowork_core.services.connectors.connections import Connections
from xo_cowork_core.services.connectors.events import ConnectionEvents
from xo_cowork_core.services.connectors.exports.loader import ExportsLoader
from xo_cowork_core.services.connectors.project_access import ProjectAccessStore
from xo_cowork_core.services.connectors.turn_environments import TurnEnvironments
from xo_cowork_core.services.eventlog.log import EventLog
from xo_cowork_core.services.files.files import Files
from xo_cowork_core.services.git_credentials.git_credentials import GitCredentials
from xo_cowork_core.services.history.host_history import HostHistory
from xo_cowork_core.services.history.hosted_sessions import HostedSessions
from xo_cowork_core.services.http import SharedHttpClient
from xo_cowork_core.services.identity.identity import Identity
from xo_cowork_core.services.index.index import Index
from xo_cowork_core.services.index.refresher import IndexRefresher
from xo_cowork_core.services.mcp.gateway import McpGateway
from xo_cowork_core.services.mcp.run_servers import RunServers
from xo_cowork_core.services.processes.supervisor import ProcessSupervisor
from xo_cowork_core.services.projects.memory import WorkspaceMemory
from xo_cowork_core.services.projects.project_roots import ProjectRoots
from xo_cowork_core.services.projects.project_stats import ProjectStats
from xo_cowork_core.services.projects.projects import Projects
from xo_cowork_core.services.projects.recorder import ProjectRecorder
from xo_cowork_core.services.projects.write_queue import WriteQueue
from xo_cowork_core.services.public_address import PublicAddress
from xo_cowork_core.services.runtimes.readiness import Readiness
from xo_cowork_core.services.runtimes.registry import Registry
from xo_cowork_core.services.runtimes.selector import RuntimeSelector
from xo_cowork_core.services.runtimes.session_closer import SessionCloser
from xo_cowork_core.services.secrets.redaction import SecretRedactor
from xo_cowork_core.services.secrets.secret_services import SecretServices
from xo_cowork_core.services.sessions.changes import SessionChanges
from xo_cowork_core.services.sessions.host_session_source import HostSessionSource
from xo_cowork_core.services.sessions.sessions import Sessions
from xo_cowork_core.services.sessions.trash import Trash
from xo_cowork_core.services.turns.legacy_chat import LegacyChat
from xo_cowork_core.services.turns.session_reservations import SessionReservations
from xo_cowork_core.services.turns.turns import Turns
from xo_cowork_core.services.usage.report import UsageReports
from xo_cowork_core.services.workspace import Workspace
from xo_cowork_core.storage.database import Database

if TYPE_CHECKING:
    from xo_cowork_core.services.webhook.webhook import Webhook


class BaseServices(NamedTuple):
    """The services that depend on storage and settings alone."""

    address: PublicAddress
    clock: Clock
    registry: Registry
    watchdog: LoopWatchdog
    redactor: SecretRedactor
    readiness: Readiness
    selector: RuntimeSelector
    database: Database
    processes: ProcessSupervisor
    eventlog: EventLog
    history: HostHistory
    hosted: HostedSessions
    trash: Trash
    files: Files
    workspace: Workspace
    project_writes: WriteQueue


class AgentAccess(NamedTuple):
    """What the agents of running turns reach, each with the token of its run."""

    mcp_gateway: McpGateway
    git_credentials: GitCredentials


class ConnectorServices(NamedTuple):
    """The connections to outside services, the sign-ins to them, and that of the server itself."""

    http: SharedHttpClient
    clients: OAuthClients
    connections: Connections
    project_access: ProjectAccessStore
    run_servers: RunServers
    events: ConnectionEvents
    exports: ExportsLoader
    turn_environments: TurnEnvironments
    agent_access: AgentAccess
    auth_flows: AuthFlowsLoader
    identity: Identity


@frozen_dataclass
class IndexServices:
    """The index of sessions, and the services that read or feed it."""

    index: Index
    refresher: IndexRefresher
    host_sessions: HostSessionSource
    sessions: Sessions
    usage: UsageReports
    project_stats: ProjectStats


class ConfigServices(NamedTuple):
    """The services of what a person configures, named as in `Services`."""

    secrets: SecretServices
    catalogs: Catalogs
    configurations: Configurations
    providers: Providers
    local_models: LocalModels
    onboarding: Onboarding


class ProjectServices(NamedTuple):
    """The services of project folders and their records, named as in `Services`."""

    projects: Projects
    recorder: ProjectRecorder
    memory: WorkspaceMemory
    project_roots: ProjectRoots


class TurnServices(NamedTuple):
    """The services that start turns or change sessions."""

    turns: Turns
    closer: SessionCloser
    changes: SessionChanges
    reservations: SessionReservations
    legacy: LegacyChat
    webhook: "Webhook | None"


class ServiceGroups(NamedTuple):
    """All groups, in the order in which they are built."""

    base: BaseServices
    connectors: ConnectorServices
    config: ConfigServices
    indexing: IndexServices
    projects: ProjectServices
    turns: TurnServices
