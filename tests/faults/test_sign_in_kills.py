"""A server that is killed while it signs in over HTTP: what it had sent is not lost or repeated."""

import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from xo_cowork_core.sdk.testing import Connections, FakeOAuthServer, LiveServer, install_plugin
from xo_cowork_core.sdk.testing.oauth_server import Endpoint

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "oauth_connector.py"
pytestmark = pytest.mark.fault


@pytest.fixture
def provider() -> Iterator[FakeOAuthServer]:
    with FakeOAuthServer() as running:
        yield running


@pytest.fixture
def server(tmp_path: Path, provider: FakeOAuthServer) -> Iterator[LiveServer]:
    folder = install_plugin(tmp_path, "connector_acme", EXAMPLE.read_text())
    environment = {
        "XO_PLUGINS": "connector_acme",
        "ACME_URL": provider.url,
        "ACME_CLIENT_ID": "test-client",
    }
    with LiveServer(environment=environment, python_path=[folder]) as running:
        yield running


def visit(provider: FakeOAuthServer, url: str) -> None:
    try:
        provider.sign_in(url)
    except httpx.HTTPError:
        return


@pytest.mark.parametrize(
    ("endpoint", "state", "exchanges"), [("token", "exchanging", 2), ("userinfo", "verifying", 1)]
)
def test_a_sign_in_that_was_cut_by_a_kill_is_completed_by_the_next_server(
    server: LiveServer,
    provider: FakeOAuthServer,
    endpoint: Endpoint,
    state: str,
    exchanges: int,
) -> None:
    acme = Connections(server, "acme")
    flow = acme.connect(method="authorization_code")
    with provider.hold(endpoint) as hold:
        browser = threading.Thread(target=visit, args=(provider, flow["authorize_url"]))
        browser.start()
        hold.wait()
        acme.wait(flow["flow_id"], state)
        server.kill()
    browser.join()
    folder = server.state / "connectors"
    assert stat.S_IMODE((folder / "flows.json").stat().st_mode) == 0o600
    server.start()
    if state == "exchanging":
        waiting = acme.wait(flow["flow_id"], "awaiting_user")
        assert waiting["error"]["code"] == "restarted"
        visit(provider, str(waiting["authorize_url"]))
    ended = acme.wait(flow["flow_id"])
    assert ended["state"] == "completed", ended
    assert acme.state(verify=True) == "connected"
    assert len(provider.requests("token", grant_type="authorization_code")) == exchanges
    for file in folder.rglob("*.json"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
