"""Cases: what a connector does to turns and other requests while it works."""

import hashlib
import json
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType

import httpx

from xo_cowork_core.sdk.testing.chat import Chat
from xo_cowork_core.sdk.testing.connector_contract.cases import Cases, ResourceOwner
from xo_cowork_core.sdk.testing.contract.skips import skip_without
from xo_cowork_core.sdk.testing.scripted import NAME, script

GIT_ENTRIES = ("GIT_", "XO_GIT_")
# a held answer holds up the server for 60 s
HEALTH_SECONDS = 10.0
# by the field of the subject that names the entries
ABILITIES: Mapping[str, str] = MappingProxyType(
    {
        "turn_environment": "provides_turn_environment",
        "raw_token_environment": "provides_raw_tokens",
        "git_hosts": "provides_git_credentials",
    }
)


class TurnCases(Cases):
    """Turns of other plugins' agents, and requests of other people."""

    def test_a_slow_service_holds_up_nobody_else(self, owner: ResourceOwner) -> None:
        flow = owner.start(owner.methods()[0]) if owner.methods()[0]["kind"] != "api_key" else None
        with owner.provider.hold("userinfo") as hold, ThreadPoolExecutor(1) as pool:
            if flow is None:
                signing_in = pool.submit(owner.start, owner.methods("api_key")[0])
            else:
                signing_in = pool.submit(owner.finish, flow)
            try:
                hold.wait()
                self._check_health(owner)
            finally:
                hold.release()
            assert signing_in.result()["state"] == "completed"
        self._check_faults(owner)

    def test_agents_get_its_environment_while_it_is_signed_in(self, owner: ResourceOwner) -> None:
        declared = set(owner.subject.turn_environment)
        self._check_ability(owner, declared, "turn_environment", "ProvidesTurnEnvironment")
        if not declared:
            skip_without("environment for turns")
        self._check_environment(owner, declared)

    def test_agents_get_its_tokens_where_a_project_asks_for_them(
        self, owner: ResourceOwner
    ) -> None:
        declared = set(owner.subject.raw_token_environment)
        self._check_ability(owner, declared, "raw_token_environment", "ProvidesRawTokens")
        if not declared:
            skip_without("tokens for agents")
        self._switch_raw_tokens(owner, is_on=True)
        try:
            self._check_environment(owner, declared | set(owner.subject.turn_environment))
        finally:
            self._switch_raw_tokens(owner, is_on=False)

    def test_git_of_agents_gets_its_credentials_while_it_is_signed_in(
        self, owner: ResourceOwner
    ) -> None:
        declared = set(owner.subject.git_hosts)
        self._check_ability(owner, declared, "git_hosts", "ProvidesGitCredentials")
        if not declared:
            skip_without("credentials for git")
        keys = {_digest(f"credential.https://{host}.helper") for host in declared}
        assert not keys & set(self._environment(owner).values())
        owner.sign_in()
        missing = keys - set(self._environment(owner).values())
        self._check_faults(owner)
        assert not missing, f"git of agents gets no credentials for all of {sorted(declared)}"
        owner.connections.disconnect()
        assert not keys & set(self._environment(owner).values())

    def test_agents_get_its_mcp_server_while_it_is_signed_in(self, owner: ResourceOwner) -> None:
        if "provides_mcp_server" not in owner.connections.abilities():
            skip_without("MCP server")
        assert not self._mcp_servers(owner), "agents get its MCP server before anybody signed in"
        owner.sign_in()
        servers = self._mcp_servers(owner)
        self._check_faults(owner)
        assert servers, "agents don't get its MCP server: mcp_server() must return an McpEndpoint"
        owner.connections.disconnect()
        assert not self._mcp_servers(owner), "agents get its MCP server after its end"

    def _check_ability(
        self, owner: ResourceOwner, declared: Collection[str], field: str, ability: str
    ) -> None:
        is_able = ABILITIES[field] in owner.connections.abilities()
        assert is_able == bool(declared), (
            f"`{field}` of the subject names {sorted(declared)}, but the connector "
            f"{'is' if is_able else 'is no'} {ability}"
        )

    def _check_environment(self, owner: ResourceOwner, declared: Collection[str]) -> None:
        """Check which entries a turn gets before, during and after a sign-in."""
        before = self._environment(owner)
        assert not before.keys() & declared, "agents get its environment before anybody signed in"
        owner.sign_in()
        # the host's own entries for git are those of another case
        added = {
            name
            for name in self._environment(owner).keys() - before.keys()
            if not name.startswith(GIT_ENTRIES)
        }
        self._check_faults(owner)
        assert added == declared, f"agents get {sorted(added)} and not {sorted(declared)}"
        owner.connections.disconnect()
        assert self._environment(owner) == before, "agents get its environment after its end"

    def _switch_raw_tokens(self, owner: ResourceOwner, *, is_on: bool) -> None:
        project = Chat(owner.connections.server, NAME).folder.name
        path = f"/api/xo-projects/{project}/connectors"
        response = owner.connections.http.patch(path, json={"raw_tokens": is_on})
        assert response.status_code == 200, response.text

    def _environment(self, owner: ResourceOwner) -> Mapping[str, str]:
        """Return the entries of a turn of another plugin, with digests of their values."""
        turn = Chat(owner.connections.server, NAME).run_turn(script(["environment"]))
        assert turn.terminal.event == "done", turn.terminal
        entries: Mapping[str, str] = json.loads(turn.text)
        return entries

    def _mcp_servers(self, owner: ResourceOwner) -> Collection[str]:
        """Return the names of the MCP servers that a turn of another plugin gets."""
        turn = Chat(owner.connections.server, NAME).run_turn(script(["mcp_servers"]))
        assert turn.terminal.event == "done", turn.terminal
        servers: Mapping[str, str] = json.loads(turn.text)
        return servers.keys()

    def _check_health(self, owner: ResourceOwner) -> None:
        try:
            owner.connections.http.get("/health", timeout=HEALTH_SECONDS)
        except httpx.TimeoutException:
            raise AssertionError(
                "the server answers nobody while the connector waits for its service: send "
                "requests with `context.http`, and do other blocking work in asyncio.to_thread"
            ) from None

    def _check_faults(self, owner: ResourceOwner) -> None:
        faults = owner.connections.plugin()["faults"]
        assert not faults, f"the server has recorded faults of the connector: {faults}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
