"""Live servers for wire tests: one for a module, or one for each test, and folders in them."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.contract.connector_requests import CLIENT_IDS
from tests.support.contract.requests import ContractRequests
from xo_cowork_core.sdk.testing import Chat, LiveServer, install_plugin

CONNECTORS = ("gdrive", "github", "manus", "onedrive", "vercel")


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with LiveServer(environment={"XO_PERMISSION_TIMEOUT": "20"}) as running:
        yield running


@pytest.fixture
def own_server() -> Iterator[LiveServer]:
    """A server that no other test uses, for tests that restart it or count all that it keeps."""
    with LiveServer() as running:
        yield running


@pytest.fixture
def chat(server: LiveServer) -> Chat:
    return Chat(server, "demo")


@pytest.fixture
def folder(server: LiveServer) -> Path:
    """A folder that no other test uses."""
    path = server.home / uuid.uuid4().hex
    path.mkdir()
    return path


@pytest.fixture
def project(server: LiveServer, request: pytest.FixtureRequest) -> Path:
    """A scaffolded project that no other test uses."""
    name = request.node.name.partition("[")[0].replace("_", "-")[:60].strip("-")
    folder = server.projects / name
    if not folder.exists():
        body = {"path": str(folder), "scaffold": True, "display_name": "A name"}
        answer = server.client.post("/api/files/mkdir", json=body)
        assert answer.status_code == 200, answer.text
    return folder


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContractRequests]:
    """A server with everything that a request for each operation needs."""
    source = (Path(__file__).parents[1] / "support" / "plugins" / "gateway.py").read_text()
    place = install_plugin(tmp_path_factory.mktemp("plugins"), "runtime_gatewayed", source)
    runtimes = [f"runtime_{name}" for name in ("claude", "codex", "demo", "gatewayed", "openclaw")]
    connectors = [f"connector_{name}" for name in CONNECTORS]
    variables = {
        "XO_PLUGINS": ",".join([*runtimes, *connectors]),
        "AGENT_NAME": "gatewayed",
        "CHAT_API_BASE_URL": "http://127.0.0.1:9",
        "OPENCLAW_GATEWAY_URL": "ws://127.0.0.1:9",
        # the outside services can't be reached, and nothing leaves the machine
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "127.0.0.1,localhost",
        **CLIENT_IDS,
    }
    with LiveServer(environment=variables, python_path=[place]) as server:
        yield ContractRequests(server)
