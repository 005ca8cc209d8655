"""Exports and imports of connections over restarts and kills."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.connectors.vault import (
    install_vault,
    mode_of,
    sign_in,
    wait_for,
    wait_without,
)
from xo_cowork_core.sdk.testing import Connections, LiveServer, eventually

pytestmark = pytest.mark.fault
OLD_TOKENS = {"github": {"access_token": "theirs"}, "vault": {"api_key": "key-of-the-old-server"}}
OLD_CONF = "# mine\n[photos]\ntype = vault\nkey = key-of-photos\nfolder = a\n\n[other]\ntype = s3\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    """A server that was not started yet, whose folders a test fills."""
    running = LiveServer(python_path=[install_vault(tmp_path / "plugin")])
    running.state.mkdir(mode=0o700)
    yield running
    running.close()


def states(vault: Connections) -> dict[str, str]:
    """Return the state of each connection."""
    return {row["connection"]: row["detail"]["state"] for row in vault.row()["connections"]}


def wait_for_states(vault: Connections, expected: dict[str, str]) -> None:
    eventually(lambda: states(vault) == expected, 10, f"the states are {expected}")


def test_the_files_of_an_older_server_are_taken_over_once(server: LiveServer) -> None:
    beside = server.root / "services"
    beside.mkdir()
    (beside / "mcp-tokens.json").write_text(json.dumps(OLD_TOKENS))
    (server.root / "vault.conf").write_text(OLD_CONF)
    server.start()
    vault = Connections(server, "vault")
    wait_for_states(vault, {"default": "connected", "photos": "connected"})
    eventually(lambda: vault.status()["username"] == "someone", 10, "the key was checked")
    # exported from now on, and the old files are as they were
    assert "key-of-photos" in wait_for(server.state / "vault.conf", "key-of-the-old-server")
    assert json.loads((beside / "mcp-tokens.json").read_text()) == OLD_TOKENS
    assert (server.root / "vault.conf").read_text() == OLD_CONF
    vault.http.post(f"{vault.path}/disconnect", json={"connection": "photos"})
    vault.disconnect()
    server.kill()
    server.start()
    vault = Connections(server, "vault")
    wait_without(server.state / "vault.conf", "key-of")
    assert states(vault) == {"default": "disconnected"}


def test_sections_in_the_state_folder_become_those_of_this_server(server: LiveServer) -> None:
    conf = server.state / "vault.conf"
    conf.write_text(OLD_CONF)
    conf.chmod(0o644)
    server.start()
    vault = Connections(server, "vault")
    wait_for_states(vault, {"default": "needs_auth", "photos": "connected"})
    eventually(lambda: mode_of(conf) == 0o600, 10, "the mode is narrow")
    # what the connector does not write stays as long as the section does
    assert conf.read_text() == OLD_CONF
    vault.http.post(f"{vault.path}/disconnect", json={"connection": "photos"})
    eventually(lambda: conf.read_text() == "# mine\n[other]\ntype = s3\n", 10, "it is out")


def test_a_refused_key_of_an_older_server_asks_to_sign_in_again(server: LiveServer) -> None:
    (server.state / "vault.conf").write_text("[photos]\ntype = vault\nkey = revoked\n")
    server.start()
    vault = Connections(server, "vault")
    wait_for_states(vault, {"default": "needs_auth", "photos": "needs_reauth"})


def test_a_broken_old_file_is_named_and_left(server: LiveServer) -> None:
    (server.root / "mcp-tokens.json").write_text("{")
    server.start()
    vault = Connections(server, "vault")
    eventually(lambda: vault.status()["error"] is not None, 10, "the file is reported")
    status = vault.status()
    assert status["error"] == "The old file mcp-tokens.json can't be read: it is not valid JSON."
    assert status["status"] == "needs_auth"
    assert (server.root / "mcp-tokens.json").read_text() == "{"
    sign_in(vault, "key-new")
    wait_for(server.state / "mcp-tokens.json", "key-new")


def test_a_kill_at_any_time_leaves_no_section_without_an_owner(server: LiveServer) -> None:
    server.start()
    for number in range(4):
        vault = Connections(server, "vault")
        sign_in(vault, f"key-{number}-of-many")
        server.kill()
        server.start()
        wait_for(server.state / "vault.conf", f"key-{number}-of-many")
    vault = Connections(server, "vault")
    assert vault.status()["error"] is None
    vault.disconnect()
    wait_without(server.state / "vault.conf", "key-")
    eventually(lambda: not list(server.state.glob(".*.new")), 10, "each file is finished")


def test_what_a_kill_left_of_unfinished_files_is_deleted_at_the_next_start(
    server: LiveServer,
) -> None:
    tokens = server.state / "connectors" / "tokens"
    tokens.mkdir(parents=True)
    name = ".0123456789abcdef.new"
    left = [folder / name for folder in (server.state, tokens.parent, tokens)]
    for file in left:
        file.write_text("a key")
    other = server.state / ".not-ours.new"
    other.touch()
    server.start()
    assert not [file for file in left if file.exists()]
    assert other.exists()


def test_a_plugin_that_is_switched_off_takes_its_sections_with_it(server: LiveServer) -> None:
    server.start()
    conf = server.state / "vault.conf"
    conf.write_text("[other]\ntype = s3\n")
    sign_in(Connections(server, "vault"), "key-here")
    wait_for(conf, "key-here")
    settings = server.state / "config.toml"
    settings.write_text('XO_PLUGINS = "none"\n')
    server.restart()
    wait_without(conf, "key-here")
    assert conf.read_text() == "[other]\ntype = s3\n"
    token = server.state / "vault_token.json"
    eventually(lambda: not token.exists(), 10, "the file of the key is gone")
    # switched on again it is connected, and so are its files
    settings.unlink()
    server.restart()
    wait_for(conf, "key-here")
