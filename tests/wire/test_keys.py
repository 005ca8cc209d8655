"""A key reaches the agent that it is for, and nothing else."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from xo_cowork_core.sdk.testing import Chat, LiveServer, install_plugin

DECLARED = "planted-declared-0f3a"
OVERLAID = "planted-overlaid-77c1"
FOREIGN = "planted-foreign-b2e9"
FROM_FILE = "planted-from-file-d410"


def mark(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()[:16]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    source = (Path(__file__).parents[1] / "support" / "plugins" / "keyed.py").read_text()
    install_plugin(tmp_path, "runtime_keyed", source)
    environment = {"KEYED_KEY": DECLARED, "OTHER_KEY": FOREIGN, "XO_PLUGINS": "runtime_keyed"}
    with LiveServer(environment=environment, python_path=[tmp_path]) as running:
        yield running


def keys(server: LiveServer) -> dict[str, str]:
    lines = Chat(server, "keyed").run_turn("which keys?").text.splitlines()
    return dict(line.split() for line in lines)


def test_of_the_servers_environment_only_declared_keys_reach_the_agent(server: LiveServer) -> None:
    found = keys(server)
    assert found["KEYED_KEY"] == mark(DECLARED)
    assert "OTHER_KEY" not in found
    assert mark(FOREIGN) not in found.values()
    assert not [key for key in found if key.startswith("XO_PLUGINS")]
    assert "PATH" in found


def test_the_env_file_wins_and_is_read_at_each_turn(server: LiveServer) -> None:
    file = server.state / "env"
    file.write_text(f'KEYED_KEY="{OVERLAID}"\nEXTRA={FROM_FILE}\n')
    found = keys(server)
    assert found["KEYED_KEY"] == mark(OVERLAID)
    assert "EXTRA" not in found
    file.unlink()
    assert keys(server)["KEYED_KEY"] == mark(DECLARED)


def test_no_key_is_in_any_answer_log_or_file_of_the_server(server: LiveServer) -> None:
    (server.state / "env").write_text(f"KEYED_KEY={FROM_FILE}\n")
    keys(server)
    paths = ("/", "/health", "/metrics", "/api/plugins", "/api/sessions", "/openapi.json")
    answers = [server.client.get(path).text for path in paths]
    server.terminate()
    files = [
        path.read_bytes().decode("latin-1")
        for path in server.home.rglob("*")
        if path.is_file() and path.name != "env"
    ]
    for planted in (DECLARED, FOREIGN, FROM_FILE):
        assert not [text for text in (*answers, *files, server.log) if planted in text]


def test_the_secrets_schema_names_the_key_and_hides_it(server: LiveServer) -> None:
    rows = server.client.get("/api/plugins").json()["plugins"]
    schema = next(row["secrets_schema"] for row in rows if row["name"] == "runtime_keyed")
    assert schema["required"] == ["KEYED_KEY"]
    assert schema["properties"]["KEYED_KEY"]["writeOnly"] is True
    assert schema["properties"]["KEYED_KEY"]["format"] == "password"
