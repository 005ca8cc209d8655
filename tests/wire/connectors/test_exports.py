"""Files of other programs that hold the connections: written, taken out again, and left alone."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.connectors.vault import install_vault, mode_of, sign_in, wait_for
from xo_cowork_core.sdk.testing import Connections, LiveServer, eventually

FOREIGN_INI = """\
# my own remotes
[work]
type = drive
token = {"access_token":"mine"}

; kept on purpose
[photos]
type=s3
  provider = AWS
"""
FOREIGN_JSON = '{ "acme":{"rate":1.0e2,"b" : [1,2]},"zeta" :null }'


@pytest.fixture(scope="module")
def vault_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_vault(tmp_path_factory.mktemp("vault"))


@pytest.fixture(scope="module")
def vault_server(vault_folder: Path) -> Iterator[LiveServer]:
    environment = {"XO_PLUGINS": "connector_vault"}
    with LiveServer(environment=environment, python_path=[vault_folder]) as running:
        yield running


@pytest.fixture
def vault(vault_server: LiveServer) -> Iterator[Connections]:
    connections = Connections(vault_server, "vault")
    yield connections
    for row in connections.row()["connections"]:
        body = {"connection": row["connection"]}
        connections.http.post(f"{connections.path}/disconnect", json=body)
    for path in vault_server.state.glob("*vault*"):
        eventually(lambda path=path: not remains(path), 10, f"{path.name} is clean")
        path.unlink(missing_ok=True)
    (vault_server.state / "mcp-tokens.json").unlink(missing_ok=True)


def remains(path: Path) -> bool:
    """Whether a section of the connector is left in a file."""
    return path.suffix in {".conf", ".json"} and path.exists() and "key-" in path.read_text()


def test_a_connection_is_written_to_each_file_and_taken_out_again(vault: Connections) -> None:
    state = vault.server.state
    sign_in(vault, "key-first")
    conf = wait_for(state / "vault.conf", "key-first")
    assert conf == "[default]\ntype = vault\nkey = key-first\n"
    tokens = json.loads(wait_for(state / "mcp-tokens.json", "key-first"))
    assert tokens == {"vault": {"api_key": "key-first", "expires_at": 0}}
    single = json.loads(wait_for(state / "vault_token.json", "key-first"))
    assert single == {"api_key": "key-first", "expires_at": 0}
    names = ("vault.conf", "mcp-tokens.json", "vault_token.json")
    assert {mode_of(state / name) for name in names} == {0o600}
    vault.disconnect()
    eventually(lambda: not any((state / name).exists() for name in names), 10, "all are gone")


def test_sections_of_others_keep_their_bytes(vault: Connections) -> None:
    state = vault.server.state
    (state / "vault.conf").write_text(FOREIGN_INI)
    (state / "mcp-tokens.json").write_text(FOREIGN_JSON)
    sign_in(vault, "key-second")
    conf = wait_for(state / "vault.conf", "key-second")
    assert conf == FOREIGN_INI + "\n[default]\ntype = vault\nkey = key-second\n"
    tokens = wait_for(state / "mcp-tokens.json", "key-second")
    assert '{"rate":1.0e2,"b" : [1,2]}' in tokens
    assert json.loads(tokens)["zeta"] is None
    vault.disconnect()
    eventually(lambda: (state / "vault.conf").read_text() == FOREIGN_INI, 10, "as it was")
    eventually(lambda: "key-second" not in (state / "mcp-tokens.json").read_text(), 10, "out")
    assert json.loads((state / "mcp-tokens.json").read_text()) == json.loads(FOREIGN_JSON)
    (state / "mcp-tokens.json").unlink()


def test_a_wider_mode_is_narrowed(vault: Connections) -> None:
    path = vault.server.state / "vault.conf"
    path.write_text(FOREIGN_INI)
    path.chmod(0o644)
    sign_in(vault, "key-third")
    wait_for(path, "key-third")
    assert mode_of(path) == 0o600


def test_a_reconnection_replaces_the_value_and_keeps_what_a_person_added(
    vault: Connections,
) -> None:
    path = vault.server.state / "vault.conf"
    sign_in(vault, "key-old")
    wait_for(path, "key-old")
    path.write_text(path.read_text() + "root = photos\n# mine\n")
    sign_in(vault, "key-new")
    assert wait_for(path, "key-new") == (
        "[default]\ntype = vault\nkey = key-new\nroot = photos\n# mine\n"
    )


def test_a_section_of_the_same_name_is_left_alone_and_named(vault: Connections) -> None:
    path = vault.server.state / "vault.conf"
    mine = "[default]\ntype = s3\n"
    path.write_text(mine)
    sign_in(vault, "key-fourth")
    eventually(lambda: vault.status()["error"] is not None, 10, "the conflict is reported")
    status = vault.status()
    assert (status["status"], status["detail"]["state"]) == ("connected", "connected")
    assert "vault.conf has a section [default]" in status["error"]
    assert path.read_text() == mine
    path.unlink()
    wait_for(path, "key-fourth")
    eventually(lambda: vault.status()["error"] is None, 10, "the conflict is over")


def test_a_damaged_file_is_kept_aside(vault: Connections) -> None:
    state = vault.server.state
    (state / "mcp-tokens.json").write_text('{"github": {"access_tok')
    sign_in(vault, "key-fifth")
    assert json.loads(wait_for(state / "mcp-tokens.json", "key-fifth")).keys() == {"vault"}
    (aside,) = state.glob("mcp-tokens.json.broken-*")
    assert aside.read_text() == '{"github": {"access_tok'
    assert mode_of(aside) == 0o600
    assert "mcp-tokens.json is damaged" in vault.server.log
    aside.unlink()


def test_an_encrypted_configuration_is_left_as_it_is(vault: Connections) -> None:
    path = vault.server.state / "vault.conf"
    encrypted = "# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\nAbCd=\n"
    path.write_text(encrypted)
    sign_in(vault, "key-sixth")
    eventually(lambda: "encrypted" in str(vault.status()["error"]), 10, "it is reported")
    assert path.read_text() == encrypted
    wait_for(vault.server.state / "mcp-tokens.json", "key-sixth")
    path.unlink()
    wait_for(path, "key-sixth")


def test_a_link_and_a_pipe_are_not_followed(vault: Connections, tmp_path: Path) -> None:
    state = vault.server.state
    (state / "vault.conf").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(state / "mcp-tokens.json")
    sign_in(vault, "key-seventh")
    eventually(lambda: vault.status()["error"] is not None, 10, "it is reported")
    assert list(tmp_path.iterdir()) == []
    (state / "vault.conf").unlink()
    (state / "mcp-tokens.json").unlink()
    wait_for(state / "vault.conf", "key-seventh")
    wait_for(state / "mcp-tokens.json", "key-seventh")


def test_a_wrong_section_costs_the_files_of_its_plugin_alone(vault: Connections) -> None:
    state = vault.server.state
    sign_in(vault, "key-eighth")
    wait_for(state / "vault.conf", "key-eighth")
    sign_in(vault, "key-ninth", "broken")
    eventually(lambda: "the log says why" in str(vault.status()["error"]), 10, "it is reported")
    assert "'../vault.conf' is no file" in str(vault.plugin()["faults"])
    # what was written before stays
    assert "key-eighth" in (state / "vault.conf").read_text()


def test_no_log_line_has_a_key(vault: Connections) -> None:
    sign_in(vault, "key-tenth-is-a-secret")
    wait_for(vault.server.state / "vault.conf", "key-tenth-is-a-secret")
    assert "key-tenth-is-a-secret" not in vault.server.log
