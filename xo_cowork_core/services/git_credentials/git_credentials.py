"""Which credentials git of a turn's agent may have, and what they are."""

import sys
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pydantic import SecretStr

from xo_cowork_core.sdk import NotFound, RuntimeInfo, Turn, Unauthorized
from xo_cowork_core.sdk.connector import GitCredential, ProvidesGitCredentials
from xo_cowork_core.services.connectors.connections import Connections
from xo_cowork_core.services.connectors.connector_calls import git_credential, git_hosts
from xo_cowork_core.services.connectors.project_access import ProjectAccessStore
from xo_cowork_core.services.git_credentials import helper_program
from xo_cowork_core.services.git_credentials.git_environment import add_helper
from xo_cowork_core.services.run_tokens import RunTokens
from xo_cowork_core.services.runtimes.registry import RegisteredConnector, Registry

CREDENTIAL_PATH = "/api/git/credential"
SCOPE = "git:"


class GitCredentials(NamedTuple):
    """Gives them out. `base_url` is this server's address as this machine reaches it."""

    registry: Registry
    connections: Connections
    access: ProjectAccessStore
    tokens: RunTokens
    base_url: str

    def open(self, turn: Turn, runtime: RuntimeInfo) -> Mapping[str, SecretStr]:
        """Return the entries to add to a turn's environment; they work until the turn's end.

        They lead to connected connectors that the turn's project does not switch off.
        """
        access = self.access.find(turn.agent_id)
        hosts: dict[str, str] = {}
        for name, registered in self._connected():
            if access.allows_mcp(name):
                hosts |= dict.fromkeys(git_hosts(registered), name)
        helper = [*_program(), self.base_url + CREDENTIAL_PATH]
        entries = add_helper(turn.environment, list(hosts), helper)
        if not entries:
            return {}
        scopes = [SCOPE + name for name in set(hosts.values())]
        token = self.tokens.issue(turn, runtime.name, scopes)
        if not runtime.isolates_sessions:
            token = self.tokens.share(runtime.name, SCOPE)
        return {**entries, helper_program.TOKEN_VARIABLE: token}

    async def find(self, token: str, host: str) -> GitCredential:
        """Return the credential of a host over https for the run that has the token.

        Raises Unauthorized for a token without a running turn, and where the person has to sign in
        again; NotFound for a host that is not the run's; Unavailable, UpstreamFailed.
        """
        grant = self.tokens.check(token)
        if grant is None:
            raise Unauthorized("The turn that this command belongs to is over.")
        for name, registered in self._connected():
            if SCOPE + name in grant.scopes and host in git_hosts(registered):
                return git_credential(registered, await self.connections.get(name))
        raise NotFound(f"This workspace has no sign-in for {host}.")

    def _connected(self) -> Iterator[tuple[str, RegisteredConnector]]:
        for name, registered in sorted(self.registry.connectors.items()):
            is_able = isinstance(registered.connector, ProvidesGitCredentials)
            if is_able and registered.plugin.serves and self.connections.status(name).is_connected:
                yield name, registered


def _program() -> list[str]:
    return [sys.executable, "-I", "-S", helper_program.__file__]
