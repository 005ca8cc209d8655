"""The services that routes call, and the dependency that provides them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Literal, NamedTuple

from fastapi import Depends, Request

from xo_cowork_core.api.streaming.frame_cache import FrameCache
from xo_cowork_core.api.wire_style import WireStyle
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_cowork_core.services.auth_flows.loader import AuthFlowsLoader
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.config.catalogs import Catalogs
from xo_cowork_core.services.config.configurations import Configurations
from xo_cowork_core.services.config.local_models import LocalModels
from xo_cowork_core.services.config.onboarding import Onboarding
from xo_cowork_core.services.config.providers import Providers
from xo_cowork_core.services.connectors.connections import Connections
from xo_cowork_core.services.connectors.events import ConnectionEvents
from xo_cowork_core.services.connectors.project_access import ProjectAccessStore
from xo_cowork_core.services.eventlog.log import EventLog
from xo_cowork_core.services.files.files import Files
from xo_cowork_core.services.git_credentials.git_credentials import GitCredentials
from xo_cowork_core.services.idempotency import Idempotency
from xo_cowork_core.services.identity.identity import Identity
from xo_cowork_core.services.index.index import Index
from xo_cowork_core.services.lifecycle.lifecycle_services import LifecycleServices
from xo_cowork_core.services.mcp.gateway import McpGateway
from xo_cowork_core.services.projects.memory import WorkspaceMemory
from xo_cowork_core.services.projects.project_roots import ProjectRoots
from xo_cowork_core.services.projects.projects import Projects
from xo_cowork_core.services.projects.recorder import ProjectRecorder
from xo_cowork_core.services.public_address import PublicAddress
from xo_cowork_core.services.runtimes.agents import Agents
from xo_cowork_core.services.runtimes.gateways import Gateways
from xo_cowork_core.services.runtimes.models import Models
from xo_cowork_core.services.runtimes.readiness import Readiness
from xo_cowork_core.services.runtimes.registry import Registry
from xo_cowork_core.services.runtimes.selector import RuntimeSelector
from xo_cowork_core.services.runtimes.skills import Skills
from xo_cowork_core.services.secrets.audit import Caller
from xo_cowork_core.services.secrets.secret_services import SecretServices
from xo_cowork_core.services.sessions.changes import SessionChanges
from xo_cowork_core.services.sessions.sessions import Sessions
from xo_cowork_core.services.turns.legacy_chat import LegacyChat
from xo_cowork_core.services.turns.session_reservations import SessionReservations
from xo_cowork_core.services.turns.turns import Turns
from xo_cowork_core.services.usage.report import UsageReports


class Sample(NamedTuple):
    """One sample of `/metrics`; a `counter` only grows, a `gauge` may fall."""

    name: str
    help: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()
    kind: Literal["gauge", "counter"] = "gauge"


@frozen_dataclass
class Services:
    """All services that the routes of one app call. `samplers` return the samples of `/metrics`."""

    version: str
    stage: str
    wire_style: WireStyle
    clock: Clock
    public_address: PublicAddress
    registry: Registry
    readiness: Readiness
    selector: RuntimeSelector
    eventlog: EventLog
    usage: UsageReports
    turns: Turns
    index: Index
    sessions: Sessions
    changes: SessionChanges
    reservations: SessionReservations
    projects: Projects
    recorder: ProjectRecorder
    memory: WorkspaceMemory
    project_roots: ProjectRoots
    skills: Skills
    catalogs: Catalogs
    configurations: Configurations
    providers: Providers
    local_models: LocalModels
    onboarding: Onboarding
    files: Files
    agents: Agents
    models: Models
    gateways: Gateways
    legacy: LegacyChat
    connections: Connections
    connection_events: ConnectionEvents
    project_access: ProjectAccessStore
    mcp_gateway: McpGateway
    git_credentials: GitCredentials
    auth_flows: AuthFlowsLoader
    secrets: SecretServices
    identity: Identity
    lifecycle: LifecycleServices
    idempotency: Idempotency
    frame_cache: FrameCache
    samplers: Sequence[Callable[[], Iterable[Sample]]]

    def active_sessions(self) -> int:
        """Return the number of sessions with a running turn."""
        return len(self.turns.active())


async def _services(request: Request) -> Services:
    # async although it awaits nothing: FastAPI would run a plain function in a thread
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(_services)]


async def _caller(request: Request) -> Caller:
    return Caller(
        route=f"{request.method} {request.url.path}",
        address=request.client.host if request.client else "",
        origin=request.headers.get("origin"),
    )


CallerDep = Annotated[Caller, Depends(_caller)]
