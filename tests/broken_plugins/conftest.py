"""A server with one broken plugin and its healthy neighbour."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.support.answers import wait_for_state
from xo_cowork_core.sdk.testing import LiveServer, install_plugin

PLUGINS = Path(__file__).parent / "faulty_plugins"


class PluginServer:
    """A server with a broken plugin, and what tests read from it."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.client = server.client

    def record(self, name: str) -> dict:
        rows = self.client.get("/api/plugins").json()["plugins"]
        return next(row for row in rows if row["name"] == name)

    def assert_others_work(self) -> None:
        health = self.client.get("/health")
        assert health.status_code == 200
        assert health.json()["plugins"]["plugin_neighbour"] == "ready"
        wait_for_state(self.server, "neighbour", "ready")
        # not by the client, for which the server would make its whole OpenAPI document
        ping = httpx.get(f"{self.server.base_url}/api/neighbour/ping", timeout=30, trust_env=False)
        assert ping.json() == {"pong": True}


@pytest.fixture
def serve_plugin(tmp_path: Path) -> Iterator[Callable[..., PluginServer]]:
    """Start a server with the plugin of one file of `faulty_plugins`, called `plugin_broken`."""
    folder = install_plugin(tmp_path, "plugin_neighbour", (PLUGINS / "neighbour.py").read_text())
    with ExitStack() as stack:

        def start(
            fault: str = "", requires: str = "xo-cowork-core", **environment: str
        ) -> PluginServer:
            if fault:
                source = (PLUGINS / f"{fault}.py").read_text()
                install_plugin(folder, "plugin_broken", source, requires=requires)
            names = {"XO_PLUGINS": "plugin_neighbour,plugin_broken", **environment}
            return PluginServer(
                stack.enter_context(LiveServer(environment=names, python_path=[folder]))
            )

        yield start
