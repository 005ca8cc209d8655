"""The usage of past days, from transcripts to the XO service, over a kill of the server."""

import signal
from datetime import UTC, datetime, time, timedelta

import pytest

from tests.fakes.xo_service import FakeXoService, Fault
from tests.support.terminal_session import TerminalSession
from xo_cowork_core.sdk.testing import LiveServer, eventually

REPORT = "/usage/report"


@pytest.mark.fault
def test_past_days_are_reported_once_though_the_server_is_killed_in_between() -> None:
    with FakeXoService() as service:
        environment = {
            "XO_PLUGINS": "runtime_claude",
            "CHAT_API_BASE_URL": service.url,
            "XO_API_KEY": "key-of-the-settings",
            "USAGE_SYNC_HOUR_UTC": "0",
        }
        with LiveServer(environment=environment) as server:
            assert server.client.get("/xo-auth/state").json()["authenticated"]
            server.terminate()
            service.requests.clear()
            now = datetime.now(UTC)
            today = now.date()
            # in the middle of today up to now, and then
            midnight = datetime.combine(today, time(), UTC)
            for days in (0, 2, 5):
                age = (now - midnight) / 2 + timedelta(days=days)
                session = TerminalSession(server, age=age)
                session.add_exchange("What does it cost?")
            # the service takes the report, and its answer never arrives
            service.faults[REPORT] = Fault(silence_seconds=60, serves=True)
            server.start()
            eventually(lambda: bool(service.usage), 20, "a report")
            assert server.kill() == -signal.SIGKILL
            service.faults.clear()
            server.start()
            eventually(lambda: len(service.sent(REPORT)) == 2, 20, "the report once more")
            records = list(service.usage.values())
    dates = {record["report_date"] for record in records}
    assert len(records) == len(dates)
    assert today.isoformat() not in dates
    assert {(today - timedelta(days=days)).isoformat() for days in (2, 5)} <= dates
    assert {record["total_input_tokens"] for record in records} == {1000}
    first, second = service.sent(REPORT)
    assert first.body == second.body
