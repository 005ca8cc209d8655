"""Builds the login engine, whose modules are imported with the first sign-in."""

from typing import TYPE_CHECKING

from xo_cowork_core.host.plugins.context import build_plugin_paths
from xo_cowork_core.host.settings.model import Settings
from xo_cowork_core.services.auth_flows.loader import AuthFlowsLoader
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.connectors.clients import OAuthClients
from xo_cowork_core.services.connectors.connections import Connections
from xo_cowork_core.services.connectors.discovery import Discovery
from xo_cowork_core.services.connectors.oauth_requests import OAuthRequests
from xo_cowork_core.services.http import SharedHttpClient
from xo_cowork_core.services.processes.supervisor import ProcessSupervisor
from xo_cowork_core.services.runtimes.readiness import Readiness
from xo_cowork_core.services.runtimes.registry import Registry
from xo_cowork_core.services.secrets.redaction import SecretRedactor

if TYPE_CHECKING:
    from xo_cowork_core.services.auth_flows.auth_flows import AuthFlows


def load_auth_flows(
    settings: Settings,
    registry: Registry,
    connections: Connections,
    *,
    readiness: Readiness,
    redactor: SecretRedactor,
    discovery: Discovery,
    clients: OAuthClients,
    requests: OAuthRequests,
    processes: ProcessSupervisor,
    http: SharedHttpClient,
    clock: Clock,
) -> AuthFlowsLoader:
    """Return what loads the sign-ins of all connectors and runtimes when they are needed."""
    journal_file = settings.state_dir / "connectors" / "flows.json"

    def build() -> "AuthFlows":
        from xo_cowork_core.services.auth_flows.auth_flows import AuthFlows  # noqa: PLC0415
        from xo_cowork_core.services.auth_flows.preparation import Preparation  # noqa: PLC0415
        from xo_cowork_core.services.auth_flows.targets import SignInTargets  # noqa: PLC0415
        from xo_cowork_core.services.auth_flows.tools import FlowTools  # noqa: PLC0415

        tools = FlowTools(
            targets=SignInTargets(registry, connections, readiness),
            redactor=redactor,
            preparation=Preparation(discovery, clients, requests, clock),
            processes=processes,
            http=http,
            find_program=build_plugin_paths(settings, "").binary,
            clock=clock,
            program_folders=settings.state_dir / "sign-ins",
        )
        return AuthFlows(tools, journal_file)

    return AuthFlowsLoader(build, journal_file)
