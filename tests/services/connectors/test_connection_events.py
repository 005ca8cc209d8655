"""Which changes of a connection are events, and which of them a person is told."""

import pytest

from tests.support.turn_engine import FakeClock
from xo_cowork_core.sdk import Unavailable
from xo_cowork_core.sdk.connector import ConnectionStatus
from xo_cowork_core.services.connectors.events import MAX_EVENTS, MAX_READERS, ConnectionEvents
from xo_cowork_core.services.webhook.notices import connection_notice

CHANGES = [
    ("needs_auth", "connected", "connected", None),
    ("needs_auth", "degraded", "connected", None),
    ("disconnected", "connected", "connected", None),
    ("needs_auth", "disconnected", None, None),
    ("needs_auth", "needs_reauth", "needs_reauth", "connection.needs_reauth"),
    ("connected", "connected", None, None),
    ("connected", "refreshing", None, None),
    ("connected", "degraded", "degraded", None),
    ("connected", "needs_reauth", "needs_reauth", "connection.needs_reauth"),
    ("connected", "disconnected", "disconnected", None),
    ("degraded", "connected", "recovered", None),
    ("degraded", "needs_reauth", "needs_reauth", "connection.needs_reauth"),
    ("needs_reauth", "connected", "recovered", "connection.recovered"),
    ("needs_reauth", "degraded", "recovered", "connection.recovered"),
    ("needs_reauth", "disconnected", "disconnected", None),
]


@pytest.mark.parametrize(("before", "after", "kind", "notice_type"), CHANGES)
def test_a_change_is_an_event_and_what_needs_a_person_is_told(
    before, after, kind, notice_type
) -> None:
    events = ConnectionEvents(FakeClock())
    events.prime(ConnectionStatus("acme", state=before))
    start = events.last_number
    events.observe(ConnectionStatus("acme", state=after))
    seen = events.after(start)
    assert [event.kind for event in seen] == ([kind] if kind else [])
    notices = [connection_notice(event) for event in seen]
    assert [notice.body["type"] for notice in notices if notice] == (
        [notice_type] if notice_type else []
    )


def test_a_reader_that_missed_too_much_is_told_so() -> None:
    events = ConnectionEvents(FakeClock())
    start = events.last_number
    for number in range(MAX_EVENTS + 1):
        state = "connected" if number % 2 == 0 else "degraded"
        events.observe(ConnectionStatus("acme", state=state))
    assert events.after(start) is None
    assert len(events.after(start + 1)) == MAX_EVENTS
    assert events.after(events.last_number) == []
    assert events.after(events.last_number + 1) is None
    assert events.after(start - 1) is None


def test_readers_have_a_limit() -> None:
    events = ConnectionEvents(FakeClock())
    for _ in range(MAX_READERS):
        events.add_reader()
    with pytest.raises(Unavailable):
        events.add_reader()
    events.remove_reader()
    events.add_reader()
