"""What happens to a notice that the receiver refuses, and which statuses are a refusal."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.support.turn_engine import FakeClock
from xo_cowork_core.sdk import HttpResponse
from xo_cowork_core.services.clock import SystemClock
from xo_cowork_core.services.outbox import Outbox
from xo_cowork_core.services.webhook.receiver import Receiver
from xo_cowork_core.services.webhook.refused_notices import RefusedNotices, is_refusal
from xo_cowork_core.services.webhook.sender import WebhookSender
from xo_cowork_core.storage.database import Database
from xo_cowork_core.storage.state_schema import STEPS

URL, SECRET = SecretStr("https://hooks.example/xo"), SecretStr("a key")


class ScriptedReceiver:
    """An HTTP client whose answers have the statuses that a test says. Records the notices."""

    def __init__(self, status_of: Callable[[str], int]) -> None:
        self.names: list[str] = []
        self._status_of = status_of

    async def request(self, _method: str, _url: str, **options) -> HttpResponse:
        name = json.loads(options["content"])["name"]
        self.names.append(name)
        return HttpResponse(self._status_of(name))


@asynccontextmanager
async def sending(
    folder: Path, receiver: ScriptedReceiver, *names: str
) -> AsyncIterator[WebhookSender]:
    """Queue notices, and send them; a refused one is sent again without a pause, twice."""
    clock, database = SystemClock(), Database(folder / "state.db", STEPS)
    database.open()
    outbox = Outbox(database, clock, "webhook_messages")
    to = Receiver(database, clock, URL, SECRET)

    def queue(connection) -> None:
        for name in names:
            outbox.insert(connection, name, to.address, {"name": name})

    await database.write(queue)
    refused = RefusedNotices(retry_seconds=(0.0, 0.0))
    sender = WebhookSender(
        receiver, outbox, clock, url=URL, secret=SECRET, receiver=to, refused=refused
    )
    sender.start()
    try:
        yield sender
    finally:
        await sender.stop()
        await database.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not condition():
            await asyncio.sleep(0.01)


def test_a_notice_that_is_refused_each_time_is_dropped_and_later_ones_are_sent(tmp_path) -> None:
    receiver = ScriptedReceiver(lambda name: 422 if name == "bad" else 204)

    async def send() -> None:
        async with sending(tmp_path, receiver, "first", "bad", "last") as sender:
            await until(lambda: sender.backlog == 0 and "last" in receiver.names)
            assert sender.counts == {"delivered": 2, "failed": 2, "dropped": 1}

    asyncio.run(send())
    assert receiver.names == ["first", "bad", "bad", "bad", "last"]


def test_a_receiver_that_is_overloaded_makes_all_wait_in_order(tmp_path) -> None:
    statuses = [429]
    receiver = ScriptedReceiver(lambda _: statuses.pop() if statuses else 204)

    async def send() -> None:
        async with sending(tmp_path, receiver, "first", "last"):
            await until(lambda: receiver.names[-1:] == ["last"])

    asyncio.run(send())
    assert receiver.names == ["first", "first", "last"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 422, 499])
def test_these_statuses_refuse_one_notice(status) -> None:
    assert is_refusal(status)


@pytest.mark.parametrize("status", [204, 302, 408, 425, 429, 500, 502, 503])
def test_these_statuses_refuse_none(status) -> None:
    assert not is_refusal(status)


def test_the_pauses_grow_and_end() -> None:
    clock, refused = FakeClock(), RefusedNotices()
    for seconds in (1, 60, 600, 3600):
        assert refused.add(7, clock.now())
        assert refused.pause(clock.now()) == seconds
        assert list(refused.waiting(clock.now())) == [7]
        clock.advance(seconds)
        assert list(refused.waiting(clock.now())) == []
    assert not refused.add(7, clock.now())
    assert refused.pause(clock.now()) is None


def test_a_notice_that_left_the_queue_is_not_waited_for() -> None:
    clock, refused = FakeClock(), RefusedNotices()
    refused.add(1, clock.now())
    clock.advance(5)
    refused.add(2, clock.now())
    assert refused.pause(clock.now()) == 0
    refused.retain(refused.waiting(clock.now()))
    assert refused.pause(clock.now()) == 1
