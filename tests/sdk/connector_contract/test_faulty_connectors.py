"""The contract fails for a connector that is at fault: each fault is one edit of the example."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from xo_cowork_core.sdk.testing import (
    Connections,
    ConnectorContract,
    ConnectorSubject,
    FakeOAuthServer,
    LiveServer,
    install_plugin,
)
from xo_cowork_core.sdk.testing.connector_contract.cases import ResourceOwner
from xo_cowork_core.sdk.testing.scripted import PLUGIN, install_scripted

FETCH = "user = await connector.fetch_account(self._context.http, url, tokens)"
CLASS = "class Acme(connector.Connector):\n"
PLUGIN_CLASS = "class AcmePlugin:\n"
ACCOUNT_ID = 'id=str(user["sub"])'


@dataclass(frozen=True)
class Fault:
    """What is edited in the example, and the case of the contract that finds it."""

    name: str
    old: str
    new: str
    case: str
    message: str
    turn_environment: Sequence[str] = ()
    also: tuple[str, str] = ("", "")


def environment(entries: str) -> tuple[str, str, str]:
    """Return the edit by which the example provides an environment, and the case that finds it."""
    edit = f"""class Acme(connector.Connector, connector.ProvidesTurnEnvironment):
    kept = {{}}
    host = __import__("pydantic").SecretStr("acme")

    def turn_environment(self, turn, tokens):
        return {entries}

"""
    return CLASS, edit, "test_agents_get_its_environment_while_it_is_signed_in"


def mcp_server(endpoint: str) -> tuple[str, str, str]:
    """Return the edit by which the example provides an MCP server, and the case that finds it."""
    edit = f"""class Acme(connector.Connector, connector.ProvidesMcpServer):
    def mcp_server(self):
        return {endpoint}

"""
    return CLASS, edit, "test_agents_get_its_mcp_server_while_it_is_signed_in"


FAULTS = (
    Fault(
        "believes_every_token",
        FETCH,
        'user = {"sub": "account-1"}',
        "test_tokens_that_the_service_refuses_sign_nobody_in",
        "accepts tokens that the service refuses",
    ),
    Fault(
        "believes_every_key",
        FETCH,
        'user = {"sub": "account-1"}',
        "test_a_refused_key_signs_nobody_in",
        "accepts a key that the service refuses",
    ),
    Fault(
        "takes_an_overload_for_a_refusal",
        FETCH,
        f"""
        from xo_cowork_core import sdk

        try:
            {FETCH}
        except sdk.XoError:
            raise sdk.Unauthorized("The service refuses.")
""",
        "test_an_overloaded_service_keeps_its_connection",
        "must raise Unavailable for status 503",
    ),
    Fault(
        "takes_a_refusal_for_an_overload",
        FETCH,
        f"""
        from xo_cowork_core import sdk

        try:
            {FETCH}
        except sdk.XoError:
            raise sdk.Unavailable("The service does not answer.")
""",
        "test_a_token_that_the_service_revoked_asks_for_a_new_sign_in",
        "must raise Unauthorized for a token that is refused",
    ),
    Fault(
        "has_a_new_account_each_time",
        ACCOUNT_ID,
        "id=__import__('uuid').uuid4().hex",
        "test_each_sign_in_leads_to_the_same_account",
        "one account has several ids|ended as",
    ),
    Fault(
        "has_one_account_for_everybody",
        ACCOUNT_ID,
        'id="acme"',
        "test_another_account_is_refused_at_a_reconnection",
        "another account has taken the place",
    ),
    Fault(
        "prints_the_token",
        FETCH,
        f"print(tokens.access_token.get_secret_value(), flush=True)\n        {FETCH}",
        "test_no_token_leaves_the_token_store",
        "a token is in the log",
    ),
    Fault(
        "keeps_the_token_in_a_file",
        FETCH,
        f"""
        folder = self._context.paths.ensure_state_folder()
        (folder / "token").write_text(tokens.access_token.get_secret_value())
        {FETCH}""",
        "test_no_token_leaves_the_token_store",
        "token has a token and the mode 644",
    ),
    Fault(
        "refreshes_by_itself",
        FETCH,
        f"""
        if tokens.refresh_token:
            form = {{"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}}
            form["client_id"] = "test-client"
            await self._context.http.request("POST", f"{{self._url}}/token", data=form)
        {FETCH}""",
        "test_parallel_checks_refresh_once",
        "",
    ),
    Fault(
        "holds_the_event_loop",
        FETCH,
        f"""
        import urllib.error
        import urllib.request

        with contextlib.suppress(urllib.error.HTTPError):
            urllib.request.urlopen(url)
        {FETCH}""",
        "test_a_slow_service_holds_up_nobody_else",
        "the server answers nobody",
    ),
    Fault(
        "sleeps_in_the_event_loop",
        FETCH,
        f"__import__('time').sleep(1.8)\n        {FETCH}",
        "test_a_slow_service_holds_up_nobody_else",
        "in identify holds the event loop",
    ),
    Fault(
        "has_no_mcp_server_although_it_says_so",
        *mcp_server("None"),
        r"mcp_server\(\) must return an McpEndpoint",
    ),
    Fault(
        "has_an_mcp_server_without_encryption",
        *mcp_server('connector.McpEndpoint("http://acme.example/mcp")'),
        "url must be https, or http on a loopback address",
    ),
    Fault(
        "gives_texts_for_secrets",
        *environment('{"ACME_HOST": "acme"}'),
        r"\['ACME_HOST'\] must be SecretStr, not str",
        turn_environment=("ACME_HOST",),
    ),
    Fault(
        "sets_what_programs_run",
        *environment('{"ACME_HOST": Acme.host, "PATH": Acme.host}'),
        "'PATH' decides which programs run: leave it out",
        turn_environment=("ACME_HOST",),
    ),
    Fault(
        "gives_more_than_it_says",
        *environment('{"ACME_HOST": Acme.host, "MORE": Acme.host}'),
        r"agents get \['ACME_HOST', 'MORE'\] and not \['ACME_HOST'\]",
        turn_environment=("ACME_HOST",),
    ),
    Fault(
        "gives_what_it_does_not_declare",
        *environment('{"ACME_HOST": Acme.host}'),
        "but the connector is ProvidesTurnEnvironment",
    ),
    Fault(
        "gives_its_token_to_every_agent",
        *environment('{"ACME_HOST": tokens.access_token}'),
        r"ACME_HOST has a token: return it from raw_token_environment\(\)",
        turn_environment=("ACME_HOST",),
    ),
    Fault(
        "gives_nothing",
        *environment("{}"),
        r"agents get \[\] and not \['ACME_HOST'\]",
        turn_environment=("ACME_HOST",),
    ),
    Fault(
        "gives_its_environment_after_the_end",
        *environment('self.kept.update({"ACME_HOST": Acme.host}) or self.kept'),
        "agents get its environment after its end",
        turn_environment=("ACME_HOST",),
        also=(
            PLUGIN_CLASS,
            f"{PLUGIN_CLASS}    xo_turn_env = hookimpl(lambda self: Acme.kept)\n\n",
        ),
    ),
)


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeOAuthServer]:
    with FakeOAuthServer() as provider:
        yield provider


@pytest.fixture(scope="module")
def server(
    provider: FakeOAuthServer, example: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    """One server with a plugin for each fault."""
    folder = install_scripted(tmp_path_factory.mktemp("faults"))
    for fault in FAULTS:
        assert fault.old in example
        assert fault.also[0] in example
        source = example.replace(fault.old, fault.new.lstrip()).replace(*fault.also, 1)
        source = f"import contextlib\n{source}".replace('"acme"', f'"{fault.name}"')
        install_plugin(folder, f"connector_{fault.name}", source)
    environment = {
        "XO_PLUGINS": ",".join([PLUGIN, *(f"connector_{fault.name}" for fault in FAULTS)]),
        "ACME_URL": provider.url,
        "ACME_CLIENT_ID": "test-client",
    }
    with LiveServer(environment=environment, python_path=[folder]) as running:
        yield running


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_contract_finds(fault: Fault, server: LiveServer, provider: FakeOAuthServer) -> None:
    subject = ConnectorSubject(fault.name, provider, turn_environment=fault.turn_environment)
    provider.clear()
    provider.revoke_all()
    provider.accept_key(subject.api_key)
    connections = Connections(server, fault.name)
    owner = ResourceOwner(connections, subject)
    case = getattr(ConnectorContract(), fault.case)
    account, lifetimes = provider.options.account, provider.store.lifetimes.access_seconds
    try:
        with pytest.raises(AssertionError, match=re.compile(fault.message)):
            case(owner)
    finally:
        provider.clear()
        provider.set_account(account)
        provider.store.lifetimes.access_seconds = lifetimes
        connections.disconnect()
