"""What the runtime can do about its sign-in."""

from collections.abc import Sequence

from xo_cowork_core.sdk import HostContext
from xo_cowork_core.sdk.connector import Account, SignInMethod, TokenSet
from xo_cowork_core.sdk.runtime.agents import Agent, ListsAgents
from xo_cowork_core.sdk.runtime.sign_in import LogsIn
from xo_runtime_codex.health import HealthCheck
from xo_runtime_codex.options import Options
from xo_runtime_codex.server.server_pool import ServerPool
from xo_runtime_codex.sign_in.completion import default_agents, find_sign_in
from xo_runtime_codex.sign_in.methods import sign_in_methods


class SignInAbilities(LogsIn, ListsAgents):
    """Signs in, and lists the agent that comes with it. The subclass sets the attributes."""

    _context: HostContext
    _options: Options
    _health: HealthCheck
    _servers: ServerPool

    def sign_in_methods(self) -> Sequence[SignInMethod]:
        return sign_in_methods(self._context, self._options)

    async def complete_sign_in(self, tokens: TokenSet | None) -> Account:
        # Codex has stored them itself
        self._servers.sign_in_changed()
        return await find_sign_in(self._options, self._health)

    async def listed_agents(self) -> Sequence[Agent]:
        return await default_agents(self._options)
