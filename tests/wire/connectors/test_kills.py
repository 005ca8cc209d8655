"""A server that is killed in any open state of a sign-in: the next one continues it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from xo_cowork_core.sdk.testing import Connections, FakeOAuthServer, LiveServer

CODE = {"method": "authorization_code", "redirect": "loopback"}


@pytest.fixture(scope="module")
def mortal(environment: dict[str, str], acme_folder: Path) -> Iterator[LiveServer]:
    """A server of this module alone: each test kills it and starts it again."""
    with LiveServer(environment=environment, python_path=[acme_folder]) as running:
        yield running


@pytest.fixture
def acme(mortal: LiveServer, provider: FakeOAuthServer) -> Connections:
    connections = Connections(mortal, "acme")
    connections.disconnect()
    provider.clear()
    return connections


def visit(provider: FakeOAuthServer, url: object) -> int:
    """Come back with the browser; 0 when the server dies meanwhile."""
    try:
        return provider.sign_in(str(url)).status_code
    except httpx.HTTPError:
        return 0


def kill_while(
    acme: Connections, provider: FakeOAuthServer, endpoint: str, act: Callable[[], object]
) -> None:
    """Kill the server while the provider holds its answer to what `act` makes it ask."""
    with provider.hold(endpoint) as hold, ThreadPoolExecutor(1) as pool:
        acting = pool.submit(act)
        hold.wait()
        acme.server.kill()
        hold.release()
        acting.exception()
    acme.server.start()


def test_a_browser_comes_back_after_the_kill(acme: Connections, provider: FakeOAuthServer) -> None:
    flow = acme.connect(**CODE)
    acme.server.kill()
    acme.server.start()
    assert acme.flow(flow["flow_id"])["state"] == "awaiting_user"
    assert visit(provider, flow["authorize_url"]) == 200
    assert acme.wait(flow["flow_id"])["state"] == "completed"
    assert acme.status()["status"] == "connected"


def test_a_code_that_was_being_exchanged_is_not_sent_twice(
    acme: Connections, provider: FakeOAuthServer
) -> None:
    flow = acme.connect(**CODE)
    kill_while(acme, provider, "token", lambda: visit(provider, flow["authorize_url"]))
    waiting = acme.flow(flow["flow_id"])
    assert (waiting["state"], waiting["error"]["code"]) == ("awaiting_user", "restarted")
    assert len(provider.requests("token")) == 1
    assert visit(provider, flow["authorize_url"]) == 200
    assert acme.wait(flow["flow_id"])["state"] == "completed"


def test_tokens_that_were_being_verified_are_kept(
    acme: Connections, provider: FakeOAuthServer
) -> None:
    flow = acme.connect(**CODE)
    kill_while(acme, provider, "userinfo", lambda: visit(provider, flow["authorize_url"]))
    assert acme.wait(flow["flow_id"])["state"] == "completed"
    assert len(provider.requests("token")) == 1
    assert acme.status()["status"] == "connected"


def test_a_device_is_asked_for_again(acme: Connections, provider: FakeOAuthServer) -> None:
    flow = acme.connect(method="device_code")
    acme.server.kill()
    provider.approve(flow["user_code"])
    acme.server.start()
    assert acme.wait(flow["flow_id"])["state"] == "completed"


def test_a_start_that_was_cut_off_leaves_nothing_in_the_way(
    acme: Connections, provider: FakeOAuthServer
) -> None:
    kill_while(acme, provider, "device", lambda: acme.start({"method": "device_code"}))
    flow = acme.connect(method="device_code")
    provider.approve(flow["user_code"])
    assert acme.wait(flow["flow_id"])["state"] == "completed"
