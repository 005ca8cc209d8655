"""The usage of each day reaches the XO service once: by an injected clock, over any fault."""

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from tests.fakes.xo_service import FakeXoService, Fault
from tests.support.turn_engine import FakeClock, in_event_loop
from xo_cowork_core.sdk import Tokens, Unavailable, UpstreamFailed
from xo_cowork_core.services.connectors.token_store import TokenStore
from xo_cowork_core.services.http import SharedHttpClient
from xo_cowork_core.services.identity.identity import Identity, IdentitySettings
from xo_cowork_core.services.identity.identity_api import IdentityApi, IdentityPaths
from xo_cowork_core.services.identity.sign_in_journal import SignInJournal
from xo_cowork_core.services.secrets.redaction import SecretRedactor
from xo_cowork_core.services.swarm.reported_days import ReportedDays
from xo_cowork_core.services.swarm.swarm_api import SwarmApi
from xo_cowork_core.services.swarm.usage_sync import UsageSync
from xo_cowork_core.services.usage.prices import Price
from xo_cowork_core.services.usage.sums import Group, Sum, Usage
from xo_cowork_core.storage.database import Database
from xo_cowork_core.storage.state_schema import STEPS

KEY = "key-of-the-settings"
REPORT = "/usage/report"
DAYS = ("2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04")
MODEL = "model-1"


class DailyUsage:
    """1000 tokens of input and 100 of output on each of some days."""

    def __init__(self, days: Sequence[str]) -> None:
        self.with_usage = list(days)

    async def days(self, last: str, limit: int) -> Sequence[str]:
        return [day for day in sorted(self.with_usage) if day <= last][-limit:]

    async def between(self, window: Sequence[str], **_: object) -> Usage:
        tokens = Tokens(input=1000, output=100)
        group = Group(window[0], "demo", MODEL, "provider-1", Sum(tokens, 0.5, 2))
        tools, messages = [(window[0], "bash", 3)], [(window[0], "session-1", 4)]
        return Usage(window, [group], [], 1, tools, messages, [], [])

    async def prices(self, model_ids: set[str]) -> dict[str, Price | None]:
        return dict.fromkeys(model_ids, Price(input=100.0, output=1000.0))


class CompleteIndex:
    """An index whose scan is over, or still runs."""

    def __init__(self) -> None:
        self.requests = SimpleNamespace(is_scanning=False)

    async def rescan(self, _: float) -> None:
        """Do nothing."""


@pytest.fixture
def service() -> Iterator[FakeXoService]:
    with FakeXoService() as running:
        yield running


@asynccontextmanager
async def running(
    service: FakeXoService,
    folder: Path,
    clock: FakeClock,
    usage: DailyUsage,
    *,
    key: str = KEY,
    index: CompleteIndex | None = None,
) -> AsyncIterator[UsageSync]:
    http, redactor = SharedHttpClient(), SecretRedactor()
    paths = IdentityPaths("/s", "/s", "/s", "/s", "/s")
    identity = Identity(
        IdentitySettings(service.url, SecretStr(key), "", SecretStr("")),
        IdentityApi(http, service.url, paths, clock),
        TokenStore(folder / "tokens", redactor),
        SignInJournal(folder / "sign-ins.json", redactor),
        clock,
    )
    database = Database(folder / "state.db", STEPS)
    database.open()
    parts: dict[str, Any] = {"index": index or CompleteIndex(), "usage": usage}
    try:
        yield UsageSync(
            api=SwarmApi(http, identity),
            identity=identity,
            reported=ReportedDays(database, clock),
            clock=clock,
            hour=2,
            workspace_name="box",
            **parts,
        )
    finally:
        await http.close()
        await database.close()


def at(text: str) -> FakeClock:
    return FakeClock(datetime.fromisoformat(text).replace(tzinfo=UTC))


def sent_days(service: FakeXoService) -> list[str]:
    """Every day of every request, repetitions too."""
    requests = service.sent(REPORT)
    return [record["report_date"] for each in requests for record in each.body["records"]]


@in_event_loop
async def test_a_day_is_reported_once_from_the_hour_on(
    tmp_path: Path, service: FakeXoService
) -> None:
    clock, usage = at("2026-01-01T12:00"), DailyUsage(DAYS[:1])
    async with running(service, tmp_path, clock, usage) as sync:
        await sync.sync()
        clock.advance(13.9 * 3600)  # 01:54 of the next day
        await sync.sync()
        assert sent_days(service) == []
        clock.advance(600)
        for _ in range(3):
            await sync.sync()
        assert sent_days(service) == ["2026-01-01"]


@in_event_loop
async def test_a_record_has_what_the_service_takes(tmp_path: Path, service: FakeXoService) -> None:
    async with running(service, tmp_path, at("2026-01-02T03:00"), DailyUsage(DAYS[:1])) as sync:
        await sync.sync()
    (request,) = service.sent(REPORT)
    (record,) = request.body["records"]
    assert request.headers["authorization"] == f"Bearer {KEY}"
    workspace_id = record.pop("workspace_id")
    assert record.pop("record_id") == f"{workspace_id}:2026-01-01:default"
    assert record == {
        "report_date": "2026-01-01",
        "workspace_name": "box",
        "project_id": "default",
        "total_input_tokens": 1000,
        "total_output_tokens": 100,
        "total_cache_read_tokens": 0,
        "total_cache_write_tokens": 0,
        "total_tokens": 1100,
        "total_cost": 0.5,
        "input_cost": 0.1,
        "output_cost": 0.1,
        "cache_read_cost": 0.0,
        "cache_write_cost": 0.0,
        "total_messages": 4,
        "total_sessions": 1,
        "total_tool_calls": 3,
        "model_usage": [
            {"provider": "provider-1", "model": MODEL, "calls": 2, "tokens": 1100, "cost": 0.5}
        ],
        "tool_usage": [{"name": "bash", "count": 3}],
        "note": "",
    }


@in_event_loop
async def test_after_downtime_every_missing_day_follows_and_none_twice(
    tmp_path: Path, service: FakeXoService
) -> None:
    clock, usage = at("2026-01-02T03:00"), DailyUsage(DAYS)
    async with running(service, tmp_path, clock, usage) as sync:
        await sync.sync()
    clock.advance(3 * 86400)
    async with running(service, tmp_path, clock, usage) as sync:
        await sync.sync()
    assert sent_days(service) == list(DAYS)
    assert len({record["workspace_id"] for record in service.usage.values()}) == 1


@in_event_loop
async def test_a_clock_that_is_set_back_or_forward_repeats_no_day(
    tmp_path: Path, service: FakeXoService
) -> None:
    clock, usage = at("2026-01-03T03:00"), DailyUsage(DAYS[:2])
    async with running(service, tmp_path, clock, usage) as sync:
        await sync.sync()
        clock.advance(-2 * 86400)
        await sync.sync()
        clock.advance(30 * 86400)  # days without usage are not reported, so they come later
        await sync.sync()
        clock.advance(-28 * 86400)
        await sync.sync()
        usage.with_usage += DAYS[2:]
        clock.advance(2 * 86400)
        await sync.sync()
    assert sent_days(service) == list(DAYS)


@pytest.mark.parametrize(
    "fault", [Fault(503), Fault(cut=True), Fault(302, headers={"location": "http://127.0.0.1:1/"})]
)
def test_a_day_that_was_not_taken_is_sent_again(
    tmp_path: Path, service: FakeXoService, fault: Fault
) -> None:
    @in_event_loop
    async def run() -> None:
        usage = DailyUsage(DAYS[:1])
        async with running(service, tmp_path, at("2026-01-02T03:00"), usage) as sync:
            service.faults[REPORT] = fault
            with pytest.raises(UpstreamFailed):
                await sync.sync()
            service.faults.clear()
            await sync.sync()
            await sync.sync()
        assert len(service.sent(REPORT)) == 2
        assert len(service.usage) == 1

    run()


@in_event_loop
async def test_a_death_between_the_answer_and_the_record_of_the_day_leaves_one_record(
    tmp_path: Path, service: FakeXoService, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, usage = at("2026-01-03T03:00"), DailyUsage(DAYS[:2])

    async def die(*_: object) -> None:
        raise sqlite3.OperationalError("the server was killed")

    async with running(service, tmp_path, clock, usage) as sync:
        with monkeypatch.context() as patch:
            patch.setattr(ReportedDays, "add", die)
            with pytest.raises(sqlite3.OperationalError):
                await sync.sync()
    async with running(service, tmp_path, clock, usage) as sync:
        await sync.sync()
    first, second = service.sent(REPORT)
    # the same records under the same keys: the service replaces them
    assert first.body == second.body
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert len(service.usage) == 2


@in_event_loop
async def test_signed_out_nothing_is_sent(tmp_path: Path, service: FakeXoService) -> None:
    clock, usage = at("2026-01-05T03:00"), DailyUsage(DAYS)
    async with running(service, tmp_path, clock, usage, key="") as sync:
        await sync.sync()
    assert service.requests == []


@in_event_loop
async def test_an_index_that_is_still_built_reports_no_part_of_a_day(
    tmp_path: Path, service: FakeXoService
) -> None:
    index = CompleteIndex()
    index.requests.is_scanning = True
    clock, usage = at("2026-01-05T03:00"), DailyUsage(DAYS)
    async with running(service, tmp_path, clock, usage, index=index) as sync:
        with pytest.raises(Unavailable):
            await sync.sync()
        assert service.requests == []
        index.requests.is_scanning = False
        await sync.sync()
    assert sent_days(service) == list(DAYS)


@in_event_loop
async def test_a_year_is_sent_in_parts(tmp_path: Path, service: FakeXoService) -> None:
    days = [f"2025-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29)]
    async with running(service, tmp_path, at("2026-01-01T03:00"), DailyUsage(days)) as sync:
        await sync.sync()
    assert sent_days(service) == days
    assert max(len(each.body["records"]) for each in service.sent(REPORT)) == 31
