"""The MCP servers of connectors in the configuration of a gateway that the server runs."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from xo_cowork_core.sdk import TurnMcpServer, Unavailable
from xo_runtime_openclaw.config.config_file import ConfigFile
from xo_runtime_openclaw.gateway.mcp_servers import configure_servers, mcp_environment
from xo_runtime_openclaw.json5_reader import read_json5

TOKEN = "token-of-the-runs"
USERS = """{
  // mine
  mcp: {servers: {mine: {url: "http://127.0.0.1:1/mcp"}, xo_users: {command: "x"}}},
}
"""


def _servers(*names: str, port: int = 5002) -> list[TurnMcpServer]:
    return [
        TurnMcpServer(f"xo_{name}", f"http://127.0.0.1:{port}/mcp/{name}", SecretStr(TOKEN))
        for name in names
    ]


@pytest.fixture
def file(tmp_path: Path) -> ConfigFile:
    return ConfigFile(tmp_path / "openclaw.json", {"gateway": {"mode": "local"}})


def _written(file: ConfigFile) -> dict:
    return read_json5(file.path.read_text())["mcp"]["servers"]


def test_the_file_names_a_variable_and_has_no_token(file: ConfigFile) -> None:
    configure_servers(file, _servers("acme", "office"))
    assert TOKEN not in file.path.read_text()
    assert _written(file)["xo_acme"] == {
        "transport": "streamable-http",
        "url": "http://127.0.0.1:5002/mcp/acme",
        "headers": {"Authorization": "Bearer ${XO_MCP_TOKEN}"},
    }
    assert mcp_environment(_servers("acme")) == {"XO_MCP_TOKEN": SecretStr(TOKEN)}
    assert mcp_environment([]) == {}


def test_earlier_entries_are_replaced_and_those_of_the_user_stay(file: ConfigFile) -> None:
    file.path.write_text(USERS)
    configure_servers(file, _servers("acme", "users", port=5002))
    configure_servers(file, _servers("office", "users", port=5003))
    entries = _written(file)
    assert sorted(entries) == ["mine", "xo_office", "xo_users"]
    assert entries["xo_office"]["url"] == "http://127.0.0.1:5003/mcp/office"
    assert entries["xo_users"] == {"command": "x"}
    assert "// mine" in file.path.read_text()


def test_without_a_change_nothing_is_written(file: ConfigFile) -> None:
    configure_servers(file, [])
    assert not file.path.exists()
    configure_servers(file, _servers("acme"))
    before = file.path.stat().st_ino
    configure_servers(file, _servers("acme"))
    assert file.path.stat().st_ino == before


def test_a_file_that_is_no_json5_is_left_alone(file: ConfigFile) -> None:
    file.path.write_text("{")
    with pytest.raises(Unavailable):
        configure_servers(file, _servers("acme"))
    assert file.path.read_text() == "{"
