"""Builds the services of connectors and of the server's own sign-in."""

from xo_cowork_core.host.exports import load_exports
from xo_cowork_core.host.identity import build_identity
from xo_cowork_core.host.service_groups import AgentAccess, BaseServices, ConnectorServices
from xo_cowork_core.host.settings.model import Settings
from xo_cowork_core.host.sign_ins import load_auth_flows
from xo_cowork_core.services.connectors.clients import OAuthClients
from xo_cowork_core.services.connectors.connections import Connections
from xo_cowork_core.services.connectors.discovery import Discovery
from xo_cowork_core.services.connectors.events import ConnectionEvents
from xo_cowork_core.services.connectors.oauth_requests import OAuthRequests
from xo_cowork_core.services.connectors.oauth_sessions import OAuthSessions
from xo_cowork_core.services.connectors.project_access import ProjectAccessStore
from xo_cowork_core.services.connectors.token_store import TokenStore
from xo_cowork_core.services.connectors.turn_environments import TurnEnvironments
from xo_cowork_core.services.git_credentials.git_credentials import GitCredentials
from xo_cowork_core.services.http import SharedHttpClient
from xo_cowork_core.services.mcp.gateway import McpGateway
from xo_cowork_core.services.mcp.run_servers import RunServers
from xo_cowork_core.services.run_tokens import RunTokens


def build_connectors(settings: Settings, base: BaseServices) -> ConnectorServices:
    """Build them. Nothing is read, written or started here."""
    folder, http = settings.state_dir / "connectors", SharedHttpClient()
    requests = OAuthRequests(http, base.clock)
    discovery = Discovery(http, base.clock)
    clients = OAuthClients(folder / "registrations.json", requests)
    sessions = OAuthSessions(base.registry, requests, discovery, clients)
    store, events = TokenStore(folder / "tokens", base.redactor), ConnectionEvents(base.clock)
    problems: dict[str, str] = {}
    connections = Connections(base.registry, store, sessions, base.clock, events, problems)
    access = ProjectAccessStore(folder / "projects.json")
    run_tokens = RunTokens(base.redactor.add)
    git = GitCredentials(base.registry, connections, access, run_tokens, base.address.local)
    auth_flows = load_auth_flows(
        settings,
        base.registry,
        connections,
        readiness=base.readiness,
        redactor=base.redactor,
        discovery=discovery,
        clients=clients,
        requests=requests,
        processes=base.processes,
        http=http,
        clock=base.clock,
    )
    return ConnectorServices(
        http=http,
        clients=clients,
        connections=connections,
        events=events,
        exports=load_exports(settings, base, store, connections, events, problems),
        turn_environments=TurnEnvironments(base.registry, connections, access),
        project_access=access,
        run_servers=RunServers(base.registry, connections, access, run_tokens, base.address.local),
        agent_access=AgentAccess(McpGateway(base.registry, connections, run_tokens, http), git),
        auth_flows=auth_flows,
        identity=build_identity(settings, http, base.redactor, base.clock),
    )
