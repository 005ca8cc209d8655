"""The stream of changes of connections, and the counters of `/metrics`."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.answers import expect_error
from xo_cowork_core.sdk.testing import Connections, FakeOAuthServer, LiveServer, eventually

from .conftest import KEY

EVENTS = "/api/connectors/events"


class Events:
    """Reads the stream as a client: frames with id, name and data."""

    def __init__(self, server: LiveServer, last_event_id: str = "") -> None:
        headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        self._client = httpx.Client(base_url=server.base_url, timeout=20, trust_env=False)
        self._stream = self._client.stream("GET", EVENTS, headers=headers)
        self.response = self._stream.__enter__()
        self._lines = self.response.iter_lines()

    def __enter__(self) -> "Events":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.__exit__(None, None, None)
        self._client.close()

    def next(self) -> tuple[str, str, dict]:
        """Return the id, name and data of the next event."""
        fields: dict[str, str] = {}
        for line in self._lines:
            if not line:
                return fields.get("id", ""), fields["event"], json.loads(fields["data"])
            name, _, value = line.partition(": ")
            fields[name] = value
        raise AssertionError("the stream has ended")


def sign_in_with_a_code(acme: Connections, provider: FakeOAuthServer) -> None:
    flow = acme.connect(method="device_code")
    provider.approve()
    assert acme.wait(flow["flow_id"])["state"] == "completed"


def metric(server: LiveServer, start: str) -> float:
    """Return the value of the sample whose line starts so; 0 without one."""
    lines = server.client.get("/metrics").text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(start))


def test_the_state_of_all_comes_first_and_then_each_change(
    acme: Connections, server: LiveServer
) -> None:
    with Events(server) as events:
        assert events.response.headers["content-type"].startswith("text/event-stream")
        _, name, data = events.next()
        assert name == "connections"
        (row,) = data["connections"]
        assert (row["connector"], row["connection"]) == ("acme", "default")
        assert row["state"] in {"needs_auth", "disconnected"}
        acme.connect(method="api_key", input=KEY)
        _, name, data = events.next()
        assert (name, data["type"], data["state"]) == ("connection", "connected", "connected")
        acme.disconnect()
        _, name, data = events.next()
        assert (data["type"], data["state"], data["reason"]) == ("disconnected", "disconnected", "")


def test_a_refused_sign_in_is_told_and_so_is_its_recovery(
    acme: Connections, server: LiveServer, provider: FakeOAuthServer
) -> None:
    changes = 'xo_connection_changes_total{change="%s"}'
    failures = 'xo_token_refreshes_total{result="failed"}'
    before = [metric(server, changes % kind) for kind in ("needs_reauth", "recovered")]
    failed_before = metric(server, failures)
    provider.store.lifetimes.access_seconds = 4
    sign_in_with_a_code(acme, provider)
    with Events(server) as events:
        assert events.next()[2]["connections"][0]["state"] == "connected"
        provider.store.refresh.clear()
        _, _, data = events.next()
        assert (data["type"], data["connector"]) == ("needs_reauth", "acme")
        assert data["reason"]
        assert metric(server, 'xo_connections{connector="acme",state="needs_reauth"}') == 1
        provider.store.lifetimes.access_seconds = 3600
        sign_in_with_a_code(acme, provider)
        assert events.next()[2]["type"] == "recovered"
    after = [metric(server, changes % kind) for kind in ("needs_reauth", "recovered")]
    assert after == [count + 1 for count in before]
    assert metric(server, failures) == failed_before + 1
    assert metric(server, 'xo_connections{connector="acme",state="connected"}') == 1


def test_a_refresh_is_counted_and_is_no_event(
    acme: Connections, server: LiveServer, provider: FakeOAuthServer
) -> None:
    before = metric(server, 'xo_token_refreshes_total{result="ok"}')
    provider.store.lifetimes.access_seconds = 3
    sign_in_with_a_code(acme, provider)
    with Events(server) as events:
        events.next()
        provider.store.lifetimes.access_seconds = 3600
        refreshed = lambda: metric(server, 'xo_token_refreshes_total{result="ok"}') > before  # noqa: E731
        eventually(refreshed, 10, "the tokens are refreshed")
        acme.disconnect()
        assert events.next()[2]["type"] == "disconnected"


def test_last_event_id_continues_and_an_unknown_one_gets_the_state_of_all(
    acme: Connections, server: LiveServer
) -> None:
    with Events(server) as events:
        events.next()
        acme.connect(method="api_key", input=KEY)
        number, _, _ = events.next()
    acme.disconnect()
    with Events(server, number) as events:
        next_number, name, data = events.next()
        assert (name, data["type"]) == ("connection", "disconnected")
        assert int(next_number) == int(number) + 1
    for unknown in ("1", "x", str(int(number) + 100), "9" * 30):
        with Events(server, unknown) as events:
            assert events.next()[1] == "connections"


def test_no_event_has_a_token(acme: Connections, server: LiveServer) -> None:
    with Events(server) as events:
        events.next()
        acme.connect(method="api_key", input=KEY)
        assert KEY not in json.dumps(events.next()[2])


def test_readers_are_limited_and_a_reader_that_left_makes_room(server: LiveServer) -> None:
    with httpx.Client(base_url=server.base_url, timeout=30, trust_env=False) as client:
        readers = [Events(server) for _ in range(64)]
        try:
            refused = client.get(EVENTS)
            assert expect_error(refused, 503)
        finally:
            for reader in readers:
                reader.__exit__()
    eventually(lambda: is_open(server), 10, "there is room again")


def is_open(server: LiveServer) -> bool:
    with Events(server) as events:
        return events.response.status_code == 200


@pytest.fixture(scope="module")
def guarded(environment: dict[str, str], acme_folder: Path) -> Iterator[LiveServer]:
    variables = {**environment, "XO_API_TOKEN": "the-token-of-this-server"}
    with LiveServer(environment=variables, python_path=[acme_folder]) as running:
        yield running


def test_a_browser_may_send_the_token_in_the_query(guarded: LiveServer) -> None:
    with httpx.Client(base_url=guarded.base_url, timeout=30, trust_env=False) as client:
        assert client.get(EVENTS).status_code == 401
        url = f"{EVENTS}?token=the-token-of-this-server"
        with client.stream("GET", url) as response:
            assert response.status_code == 200
