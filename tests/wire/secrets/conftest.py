"""A server with one plugin that needs a key, and the env file that its runtimes share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from xo_cowork_core.sdk.testing import LiveServer, install_plugin

KEYED = Path(__file__).parents[2] / "support" / "plugins" / "keyed.py"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("plugins")
    install_plugin(folder, "runtime_keyed", KEYED.read_text())
    names = "runtime_keyed,runtime_demo,runtime_openclaw"
    environment = {"XO_PLUGINS": names, "AGENT_NAME": "demo", "KEYED_OTHER": "inherited"}
    with LiveServer(environment=environment, python_path=[folder]) as running:
        yield running


@pytest.fixture
def env_file(server: LiveServer) -> Path:
    """The active file, empty at the start of each test."""
    file = server.state / "env"
    file.unlink(missing_ok=True)
    return file
