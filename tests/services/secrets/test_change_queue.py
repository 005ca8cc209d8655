"""Group commit of env files: order, limits, and callers that leave."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from xo_cowork_core.sdk import BadRequest, Unavailable
from xo_cowork_core.services.clock import SystemClock
from xo_cowork_core.services.secrets import change_queue
from xo_cowork_core.services.secrets.audit import AuditEntry, Caller, SecretAudit
from xo_cowork_core.services.secrets.change_queue import ChangeQueue
from xo_cowork_core.services.secrets.env_changes import EnvChange
from xo_cowork_core.storage.env_lines import EnvDocument


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "env"


@pytest.fixture
def written() -> list[EnvChange]:
    """The changes of which the queue has told that they are written."""
    return []


@pytest.fixture
def queue(tmp_path: Path, written: list[EnvChange]) -> ChangeQueue:
    audit = SecretAudit(tmp_path / "audit" / "secrets.jsonl", SystemClock())
    return ChangeQueue(audit, on_written=lambda _, changes: written.extend(changes))


def change_of(edit: Callable[[EnvDocument], None]) -> EnvChange:
    return EnvChange(edit, AuditEntry(Caller("test"), "set"))


def setting(key: str, value: str) -> EnvChange:
    return change_of(lambda document: document.set({key: value}))


def refusing(document: EnvDocument) -> None:
    raise BadRequest("refused")


def failing(document: EnvDocument) -> None:
    raise RuntimeError("a fault")


class Gate:
    """A change that holds the writer back until it is opened."""

    def __init__(self) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()

    def edit(self, document: EnvDocument) -> None:
        self.entered.set()
        assert self.opened.wait(10)


async def start_held(queue: ChangeQueue, file: Path) -> tuple[Gate, "asyncio.Task[None]"]:
    gate = Gate()
    first = asyncio.create_task(queue.commit(file, change_of(gate.edit)))
    assert await asyncio.to_thread(gate.entered.wait, 10)
    return gate, first


def test_changes_that_wait_are_written_in_their_order_and_fail_alone(
    queue: ChangeQueue, file: Path
) -> None:
    async def run() -> list[BaseException | None]:
        gate, first = await start_held(queue, file)
        changes = [setting("A", "1"), change_of(refusing), setting("A", "2"), setting("B", "1")]
        waiting = [asyncio.create_task(queue.commit(file, change)) for change in changes]
        await asyncio.sleep(0)
        gate.opened.set()
        return await asyncio.gather(first, *waiting, return_exceptions=True)

    results = asyncio.run(run())
    assert [type(result) for result in results] == [
        type(None),
        type(None),
        BadRequest,
        type(None),
        type(None),
    ]
    assert file.read_text() == "A=2\nB=1\n"


def test_a_caller_that_leaves_takes_nothing_back_and_blocks_nobody(
    queue: ChangeQueue, file: Path, written: list[EnvChange]
) -> None:
    change = setting("A", "1")

    async def run() -> None:
        gate, first = await start_held(queue, file)
        left = asyncio.create_task(queue.commit(file, change))
        await asyncio.sleep(0)
        left.cancel()
        first.cancel()
        gate.opened.set()
        await queue.commit(file, setting("B", "1"))

    asyncio.run(run())
    assert file.read_text() == "A=1\nB=1\n"
    assert change in written


def test_a_fault_reaches_its_callers_and_the_queue_goes_on(queue: ChangeQueue, file: Path) -> None:
    async def run() -> None:
        with pytest.raises(RuntimeError, match="a fault"):
            await queue.commit(file, change_of(failing))
        await queue.commit(file, setting("A", "1"))

    asyncio.run(run())
    assert file.read_text() == "A=1\n"


def test_waits_and_waiting_changes_have_limits(
    queue: ChangeQueue, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_queue, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(change_queue, "MAX_WAITING", 2)

    async def run() -> None:
        gate, first = await start_held(queue, file)
        with pytest.raises(Unavailable, match="not written yet"):
            await queue.commit(file, setting("A", "1"))
        with pytest.raises(Unavailable, match="not written yet"):
            await queue.commit(file, setting("B", "1"))
        with pytest.raises(Unavailable, match="Too many"):
            await queue.commit(file, setting("C", "1"))
        await asyncio.gather(first, return_exceptions=True)
        gate.opened.set()
        monkeypatch.setattr(change_queue, "WAIT_SECONDS", 10.0)
        async with asyncio.timeout(10):
            while not file.exists():
                await asyncio.sleep(0.01)
        await queue.commit(file, setting("D", "1"))

    asyncio.run(run())
    # what waited too long for its caller is written all the same
    assert file.read_text() == "A=1\nB=1\nD=1\n"
