"""A server with two runtimes that have providers, a configuration and a catalog."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from xo_cowork_core.sdk.testing import LiveServer, install_plugin

SOURCE = Path(__file__).parents[2] / "support" / "plugins" / "configured.py"
# the same runtime under another name, ranked behind, which keeps its keys in the usual file
SECOND = (
    ('"configured", "Configured", rank=10', '"second", "Second", rank=20'),
    ('env_file="~/.configured/env"', ""),
    ('"configured.json"', '"second.json"'),
)


@pytest.fixture(scope="module")
def configured_plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plugins")
    source = SOURCE.read_text()
    install_plugin(folder, "runtime_configured", source)
    for before, after in SECOND:
        source = source.replace(before, after)
    return install_plugin(folder, "runtime_second", source)


@pytest.fixture(scope="module")
def server(configured_plugins: Path) -> Iterator[LiveServer]:
    environment = {"XO_PLUGINS": "runtime_configured,runtime_second,runtime_demo"}
    with LiveServer(environment=environment, python_path=[configured_plugins]) as running:
        yield running


@pytest.fixture
def keys(server: LiveServer) -> Iterator[tuple[Path, Path]]:
    """The env files of both runtimes, absent at first."""
    files = (server.home / ".configured" / "env", server.state / "env")
    for file in files:
        file.unlink(missing_ok=True)
    yield files


@pytest.fixture
def configure(server: LiveServer) -> Iterator[Callable[..., None]]:
    """Set what the first runtime shows."""
    file = server.home / "configured.json"

    def write(**content: Any) -> None:
        file.write_text(json.dumps(content))

    yield write
    file.unlink(missing_ok=True)
