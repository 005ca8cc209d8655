"""What a client sees of states that a test server seldom has."""

from datetime import UTC, datetime, timedelta

import pytest

from xo_cowork_core.api.connectors.serializers import connector_body, status_body
from xo_cowork_core.sdk.connector import ApiKey, ConnectionState, ConnectorInfo
from xo_cowork_core.sdk.connector.status import ConnectionStatus
from xo_cowork_core.sdk.testing.scripted import ScriptedRuntime
from xo_cowork_core.services.runtimes.plugin_record import PluginRecord
from xo_cowork_core.services.runtimes.registry import RegisteredConnector

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


def registered(state: str = "ready") -> RegisteredConnector:
    record = PluginRecord("connector_acme", state=state)
    return RegisteredConnector(ConnectorInfo("acme", "Acme"), ScriptedRuntime(), record)


@pytest.mark.parametrize(
    ("state", "status", "connected"),
    [
        ("needs_auth", "needs_auth", False),
        ("disconnected", "needs_auth", False),
        ("needs_reauth", "needs_auth", False),
        ("connected", "connected", True),
        ("refreshing", "connected", True),
        ("degraded", "connected", True),
    ],
)
def test_each_state_has_one_status_on_the_wire(
    state: ConnectionState, status: str, connected: bool
) -> None:
    body = status_body(ConnectionStatus("acme", state=state), registered())
    assert (body["status"], body["connected"]) == (status, connected)
    assert body["detail"]["state"] == state


@pytest.mark.parametrize("plugin_state", ["starting", "stopping", "failed"])
def test_a_connector_whose_plugin_does_not_work_has_failed(plugin_state: str) -> None:
    connection = ConnectionStatus("acme", state="connected")
    body = status_body(connection, registered(plugin_state))
    assert (body["status"], body["connected"]) == ("failed", False)
    assert body["error"] == f"The plugin connector_acme is {plugin_state}."
    row = connector_body(registered(plugin_state), [ApiKey()], [connection])
    assert (row["status"], row["connected"]) == ("failed", False)


def test_the_times_of_a_state_have_an_offset_and_no_fractions() -> None:
    later = NOW + timedelta(seconds=90, milliseconds=5)
    connection = ConnectionStatus(
        "acme",
        state="degraded",
        reason="The service is overloaded.",
        since=NOW,
        next_try=later,
        expires_at=later,
        checked_at=NOW,
    )
    body = status_body(connection, registered())
    assert body["error"] == "The service is overloaded."
    assert body["detail"] == {
        "state": "degraded",
        "reason": "The service is overloaded.",
        "since": "2026-01-31T09:30:00+00:00",
        "next_try": "2026-01-31T09:31:30+00:00",
        "expires_at": "2026-01-31T09:31:30+00:00",
        "checked_at": "2026-01-31T09:30:00+00:00",
    }
