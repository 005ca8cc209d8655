"""What goes wrong with Manus: nothing is lost, and the state says what to do."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from tests.fakes.loopback_network import LoopbackNetwork
from tests.fakes.manus import FakeManus
from tests.fakes.manus.server import error_body
from tests.support.stored_files import read_files
from xo_cowork_core.sdk.testing import Connections, LiveServer, eventually

KEY = "sk-manus-works-0123456789"
OTHER_KEY = "sk-manus-other-0123456789"
TOKEN_PATH = "/api/connectors/manus/token"
TASKS_PATH = "/v2/task.list"
MANY = 1000


@pytest.fixture(scope="module")
def manus() -> FakeManus:
    return FakeManus()


@pytest.fixture(scope="module")
def network(manus: FakeManus) -> Iterator[LoopbackNetwork]:
    with LoopbackNetwork(manus.hosts) as running:
        yield running


@pytest.fixture(scope="module")
def server(network: LoopbackNetwork) -> Iterator[LiveServer]:
    environment = {**network.environment, "XO_PLUGINS": "connector_manus"}
    with LiveServer(environment=environment) as running:
        yield running


@pytest.fixture
def connections(
    server: LiveServer, manus: FakeManus, network: LoopbackNetwork
) -> Iterator[Connections]:
    """The connector's routes; nobody is signed in, and `KEY` works."""
    connections = Connections(server, "manus")
    connections.disconnect()
    manus.revoke_all()
    manus.clear()
    manus.accept_key(KEY)
    yield connections
    manus.clear()
    network.check()


def paste(connections: Connections, key: str = KEY) -> httpx.Response:
    return connections.http.post(TOKEN_PATH, json={"api_key": key})


def detail_after_restart(connections: Connections) -> Mapping[str, Any]:
    """Return the state of the next server, which asks Manus anew."""
    connections.server.restart()
    after = Connections(connections.server, "manus")
    return cast("Mapping[str, Any]", after.status(verify=True)["detail"])


def seconds_left(detail: Mapping[str, Any]) -> float:
    return (datetime.fromisoformat(detail["next_try"]) - datetime.now(UTC)).total_seconds()


def test_a_key_signs_in_and_is_sent_in_its_header(
    connections: Connections, manus: FakeManus, network: LoopbackNetwork
) -> None:
    answer = paste(connections)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["ok"], body["status"], body["auth_method"]) == (True, "connected", "api_key")
    assert KEY not in answer.text
    (request,) = manus.requests("userinfo")
    assert request.parameters == {"limit": "1"}
    assert set(network.connected) == {"api.manus.ai"}


def test_a_verdict_holds_for_a_minute(connections: Connections, manus: FakeManus) -> None:
    paste(connections)
    for _ in range(5):
        assert connections.status(verify=True)["connected"]
    assert len(manus.requests("userinfo")) == 1


@pytest.mark.parametrize("key", ["sk-manus-unknown-0123456789", "short", "with blanks in it"])
def test_a_key_that_is_refused_is_a_bad_request_and_nothing_is_stored(
    connections: Connections, key: str
) -> None:
    answer = paste(connections, key)
    assert answer.status_code == 400, answer.text
    assert key not in answer.text
    assert connections.status()["status"] == "needs_auth"


@pytest.mark.parametrize("status", [200, 401, 403])
def test_a_key_that_manus_denies_later_asks_for_a_new_one(
    connections: Connections, manus: FakeManus, status: int
) -> None:
    paste(connections)
    manus.answer(status, "permission_denied", "invalid api key")
    detail = detail_after_restart(connections)
    assert (detail["state"], bool(detail["reason"])) == ("needs_reauth", True)
    after = Connections(connections.server, "manus")
    assert after.status()["status"] == "needs_auth"
    manus.clear()
    manus.accept_key(OTHER_KEY)
    assert paste(after, OTHER_KEY).status_code == 200


def test_a_new_key_takes_the_place_of_the_old_one(
    connections: Connections, manus: FakeManus
) -> None:
    before = paste(connections).json()
    manus.accept_key(OTHER_KEY)
    after = paste(connections, OTHER_KEY).json()
    assert after["user"]["id"] == before["user"]["id"]
    assert after["username"] != before["username"]
    assert OTHER_KEY[-6:] not in after["username"]


def test_the_rate_limit_is_no_refusal_and_manus_is_left_alone_for_five_minutes(
    connections: Connections, manus: FakeManus
) -> None:
    paste(connections)
    manus.answer(429, "rate_limited", "Rate limit exceeded.")
    detail = detail_after_restart(connections)
    assert (detail["state"], detail["reason"]) == (
        "degraded",
        "The rate limit of the service is reached.",
    )
    assert 280 < seconds_left(detail) <= 301
    asked = len(manus.requests("userinfo"))
    after = Connections(connections.server, "manus")
    assert after.status(verify=True)["connected"]
    assert len(manus.requests("userinfo")) == asked


def test_the_pause_that_manus_asks_for_is_kept(connections: Connections, manus: FakeManus) -> None:
    paste(connections)
    manus.answer(429, "rate_limited", "Rate limit exceeded.", retry_after="1200")
    left = timedelta(seconds=seconds_left(detail_after_restart(connections)))
    assert timedelta(minutes=19) < left <= timedelta(seconds=1201)


@pytest.mark.parametrize("status", [500, 504])
def test_a_failing_manus_keeps_the_key(
    connections: Connections, manus: FakeManus, status: int
) -> None:
    paste(connections)
    manus.fault("userinfo", status, "<h1>Maintenance</h1>", times=MANY)
    detail = detail_after_restart(connections)
    assert detail["state"] == "degraded"
    assert seconds_left(detail) > 280


@pytest.mark.parametrize(
    "body", ["<h1>Maintenance</h1>", {"ok": True, "data": None}, error_body("internal", "x")]
)
def test_an_answer_that_is_not_understood_keeps_the_key(
    connections: Connections, manus: FakeManus, body: Any
) -> None:
    paste(connections)
    manus.fault("userinfo", 200, body, times=MANY)
    detail = detail_after_restart(connections)
    is_fine = isinstance(body, dict) and body.get("ok") is True
    assert detail["state"] == ("connected" if is_fine else "degraded")


@pytest.mark.parametrize(("status", "expected"), [(429, 503), (404, 502)])
def test_a_key_can_be_pasted_again_after_a_failure_of_manus(
    connections: Connections, manus: FakeManus, status: int, expected: int
) -> None:
    manus.fault("userinfo", status, error_body("internal", "x"))
    assert paste(connections).status_code == expected
    assert connections.status()["status"] == "needs_auth"
    assert paste(connections).status_code == 200


def test_a_silent_manus_holds_up_nobody(connections: Connections, manus: FakeManus) -> None:
    paste(connections)
    connections.server.restart()
    after = Connections(connections.server, "manus")
    with manus.hold("userinfo") as hold:
        # the state is known, and the check runs beside
        assert after.status()["connected"]
        hold.wait()
        assert after.status()["connected"]
        assert after.http.get("/health").status_code == 200


def test_an_unreachable_manus_keeps_the_key(manus: FakeManus) -> None:
    manus.clear()
    manus.accept_key(KEY)
    with LoopbackNetwork(manus.hosts) as other:
        environment = {**other.environment, "XO_PLUGINS": "connector_manus"}
        with LiveServer(environment=environment) as server:
            connections = Connections(server, "manus")
            assert paste(connections).status_code == 200
            server.terminate()
            other.stop()
            server.start()
            detail = Connections(server, "manus").status(verify=True)["detail"]
            assert detail["state"] == "degraded"
            assert seconds_left(detail) > 280


def test_a_disconnection_deletes_the_key(connections: Connections) -> None:
    paste(connections)
    assert connections.disconnect()["status"] == "needs_auth"
    folder = connections.server.state

    def with_key() -> list[Path]:
        return [path for path, content in read_files(folder) if KEY.encode() in content]

    # the files of other programs follow within moments
    eventually(lambda: with_key() == [], 15, "no file has the key")
