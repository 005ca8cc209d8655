"""The MCP servers of a turn, as `codex exec` and the app-server get them."""

from pathlib import Path

from pydantic import SecretStr

from xo_cowork_core.sdk import Turn, TurnMcpServer
from xo_runtime_codex.protocol.mcp_servers import exec_environment, servers_digest
from xo_runtime_codex.protocol.parameters import thread_parameters
from xo_runtime_codex.run.exec_runner import arguments

URL = "http://127.0.0.1:5002/mcp/acme"
SERVER = TurnMcpServer("xo_acme", URL, SecretStr("token-of-the-run"))


def _turn(*servers: TurnMcpServer) -> Turn:
    return Turn("stream", "session", "text", Path("/"), mcp_servers=servers)


def test_a_thread_gets_the_servers_beside_those_of_the_user() -> None:
    headers = {"Authorization": "Bearer token-of-the-run"}
    config = {"mcp_servers.xo_acme": {"url": URL, "http_headers": headers}}
    assert thread_parameters(_turn(SERVER))["config"] == config
    assert "config" not in thread_parameters(_turn())


def test_the_command_line_names_a_variable_and_has_no_token() -> None:
    words = arguments(_turn(SERVER), resume=False)
    assert f'mcp_servers.xo_acme.url="{URL}"' in words
    variable = "XO_MCP_TOKEN_XO_ACME"
    assert f'mcp_servers.xo_acme.bearer_token_env_var="{variable}"' in words
    assert "token-of-the-run" not in " ".join(words)
    assert exec_environment([SERVER]) == {variable: SERVER.token}


def test_another_token_or_address_is_another_list() -> None:
    others = [
        TurnMcpServer("xo_acme", URL, SecretStr("another")),
        TurnMcpServer("xo_acme", URL + "x", SERVER.token),
        TurnMcpServer("xo_other", URL, SERVER.token),
    ]
    digests = [servers_digest([each]) for each in (SERVER, *others)]
    assert len(set(digests)) == len(digests)
    assert servers_digest([SERVER]) == digests[0]
    assert servers_digest([]) == ""
    assert "token" not in digests[0]
