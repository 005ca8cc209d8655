"""A plugin's own routes beside those that the core serves for its connector."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from xo_cowork_core.sdk.testing import LiveServer, eventually, install_plugin

SOURCE = """
from fastapi import APIRouter

from xo_cowork_core.sdk import Contributions, hookimpl
from xo_cowork_core.sdk.connector import Account, ApiKey, Connector, ConnectorInfo


class Acme(Connector):
    def describe(self):
        return ConnectorInfo("acme", "Acme")

    def sign_in_methods(self):
        return [ApiKey()]

    async def identify(self, tokens):
        return Account("1")


class Plugin:
    @hookimpl
    def xo_contributes(self):
        return Contributions(prefixes=["{prefix}"])

    @hookimpl
    def xo_connectors(self, context):
        return [Acme()]

    @hookimpl
    def xo_routers(self, context):
        router = APIRouter()

        @router.api_route("{path}", methods=["{method}"])
        async def own() -> str:
            return "mine"

        return [router]


plugin = Plugin()
"""
LATE = """
    @hookimpl
    def xo_lifespan(self, context):
        return self.lifespan(context)

    @contextlib.asynccontextmanager
    async def lifespan(self, context):
        file = context.paths.home / "go"
        while not file.exists():
            await asyncio.sleep(0.05)
        if file.read_text():
            raise OSError("no battery")
        yield

"""
OWN = "/api/connectors/acme"
NAME = "connector_acme"


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Callable[..., tuple[LiveServer, str]]]:
    """Return a function that starts a server with a plugin and returns the plugin's error, too."""
    servers: list[LiveServer] = []

    def start(method: str, path: str, prefix: str = OWN) -> tuple[LiveServer, str]:
        source = SOURCE.format(prefix=prefix, path=path, method=method)
        folder = install_plugin(tmp_path, NAME, source)
        server = LiveServer(environment={"XO_PLUGINS": NAME}, python_path=[folder])
        server.start()
        servers.append(server)
        rows = server.client.get("/api/plugins").json()["plugins"]
        return server, next(row["error"] for row in rows if row["name"] == NAME)

    yield start
    for server in servers:
        server.close()


@pytest.mark.parametrize(
    ("method", "path", "request_path"),
    [
        ("GET", OWN + "/folders", "/folders"),
        ("GET", OWN + "/{name}", "/folders"),
        ("GET", OWN, ""),
        # the core reads a state at this path, it does not write one
        ("PUT", OWN + "/status", "/status"),
    ],
)
def test_a_plugin_serves_further_routes_of_its_connector(
    load: Callable[..., tuple[LiveServer, str]], method: str, path: str, request_path: str
) -> None:
    server, error = load(method, path)
    assert error == ""
    assert server.client.request(method, OWN + request_path).json() == "mine"
    assert server.client.get(OWN + "/status").json()["status"] == "needs_auth"


@pytest.mark.parametrize(
    ("method", "path", "hiding"),
    [
        ("GET", OWN + "/status", "GET /api/connectors/{name}/status"),
        ("POST", OWN + "/connect", "POST /api/connectors/{name}/connect"),
        ("DELETE", OWN + "/flows/{number}", "DELETE /api/connectors/{name}/flows/{flow_id}"),
        ("POST", OWN + "/flows/{a}/input", "POST /api/connectors/{name}/flows/{flow_id}/input"),
    ],
)
def test_a_route_that_the_core_hides_fails_the_plugin(
    load: Callable[..., tuple[LiveServer, str]], method: str, path: str, hiding: str
) -> None:
    server, error = load(method, path)
    assert f"is hidden by {hiding} of the core" in error
    assert f"{method} {OWN}" in error
    assert server.client.get("/api/connectors").json() == []


@pytest.mark.parametrize(
    ("prefix", "reason"),
    [
        ("/api/connectors/other", "has no connector other"),
        ("/api/connectors", "which is the core's"),
        ("/api/oauth/acme", "overlaps /api/oauth of the core"),
    ],
)
def test_routes_of_another_connector_cannot_be_claimed(
    load: Callable[..., tuple[LiveServer, str]], prefix: str, reason: str
) -> None:
    _, error = load("GET", prefix + "/folders", prefix)
    assert reason in error


def test_a_large_body_of_any_type_is_refused_by_the_core_routes(
    load: Callable[..., tuple[LiveServer, str]],
) -> None:
    server, _ = load("POST", OWN + "/upload")
    headers = {"Content-Type": "text/plain"}

    def send(path: str) -> httpx.Response:
        return server.client.post(OWN + path, content=b"x" * (1 << 20), headers=headers)

    assert send("/connect").status_code == 413
    # a plugin limits its uploads itself
    assert send("/upload").json() == "mine"


@pytest.fixture
def starting_server(tmp_path: Path) -> Iterator[LiveServer]:
    """A server with a connector whose plugin starts when the file `go` is there."""
    # it claims no path of its connector
    source = SOURCE.format(prefix="/api/own", path="/api/own/folders", method="GET")
    source = source.replace("class Plugin:\n", f"class Plugin:\n{LATE}")
    folder = install_plugin(tmp_path, NAME, f"import asyncio, contextlib\n{source}")
    with LiveServer(environment={"XO_PLUGINS": NAME}, python_path=[folder]) as server:
        yield server


ROUTES = (
    ("GET", "/status"),
    ("POST", "/connect"),
    ("POST", "/reconnect"),
    ("POST", "/disconnect"),
    ("GET", "/flows/unknown"),
    ("DELETE", "/flows/unknown"),
)


def test_the_routes_of_a_connector_say_that_its_plugin_is_starting(
    starting_server: LiveServer,
) -> None:
    http = starting_server.client
    for method, path in ROUTES:
        answer = http.request(method, OWN + path, json={} if method == "POST" else None)
        assert answer.status_code == 503, (path, answer.text)
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.json()["detail"] == f"The plugin {NAME} is starting."
    # the list of all and the routes below another name belong to nobody's plugin
    assert [row["name"] for row in http.get("/api/connectors").json()] == ["acme"]
    assert http.get("/api/connectors/acme-two/status").status_code == 404
    (starting_server.home / "go").touch()
    eventually(lambda: http.get(f"{OWN}/status").status_code == 200, 15, "the plugin has started")
    assert http.post(f"{OWN}/connect", json={"input": "key"}).json()["state"] == "completed"


def test_the_routes_of_a_connector_say_that_its_plugin_has_failed(
    starting_server: LiveServer,
) -> None:
    http = starting_server.client
    (starting_server.home / "go").write_text("and fail")
    eventually(lambda: http.get("/api/connectors").json() == [], 15, "the plugin has failed")
    for method, path in ROUTES:
        answer = http.request(method, OWN + path, json={} if method == "POST" else None)
        assert answer.status_code == 503, (path, answer.text)
        assert "Retry-After" not in answer.headers
        assert answer.json()["detail"] == f"The plugin {NAME} is failed; /api/plugins says why."
