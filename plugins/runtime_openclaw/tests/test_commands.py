"""The commands that a stopped run leaves, on a gateway that reports its sessions late."""

import asyncio
import time
from pathlib import Path

import pytest

from xo_cowork_core.sdk.testing import FakeContext
from xo_runtime_openclaw.options import Options, read_options
from xo_runtime_openclaw.run import commands
from xo_runtime_openclaw.run.commands import RunCommands

KEY = "agent:main:one"


class BusyGateway:
    """Answers once it is `free`: no other session ran, and these tasks are of the session."""

    def __init__(self) -> None:
        self.free = asyncio.Event()
        self.cancelled: list[str] = []
        self.tasks: dict[str, float] = {}

    async def call(self, method: str, params: dict) -> dict:
        if method == "tasks.cancel":
            self.cancelled.append(params["taskId"])
            return {}
        await self.free.wait()
        created = self.tasks.items()
        tasks = [{"id": name, "createdAt": 1000 * moment} for name, moment in created]
        return {"ts": 1000 * time.time(), "sessions": [], "tasks": tasks}


class Ended:
    """Records what the processes to end are selected by."""

    def __init__(self) -> None:
        self.bounds = asyncio.Queue()

    async def terminate_matching(self, entries: dict, **bounds: object) -> None:
        self.bounds.put_nowait(bounds)


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> BusyGateway:
    monkeypatch.setattr(commands, "WAIT_SECONDS", 0.05)
    return BusyGateway()


@pytest.fixture
def options(tmp_path: Path) -> Options:
    return read_options({"OPENCLAW_GATEWAY_URL": "ws://127.0.0.1:18789"}, tmp_path)


def test_a_late_report_ends_the_commands_of_the_run_alone(
    tmp_path: Path, options: Options, busy: BusyGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with FakeContext(tmp_path) as context:
            ended = Ended()
            monkeypatch.setattr(context.processes, "terminate_matching", ended.terminate_matching)
            busy.tasks["earlier"] = time.time()
            await asyncio.sleep(0.02)
            before = time.monotonic()
            run = RunCommands(busy, context, options, key=KEY, cwd=tmp_path)
            await asyncio.sleep(0.02)
            busy.tasks["own"] = time.time()
            await asyncio.wait_for(run.end(), 5)
            after = time.monotonic()
            await asyncio.sleep(0.02)
            busy.tasks["later"] = time.time()
            assert ended.bounds.empty()
            busy.free.set()
            bounds = await asyncio.wait_for(ended.bounds.get(), 5)
            assert before <= bounds["since"] < bounds["until"] <= after
            assert busy.cancelled == ["own"]

    asyncio.run(scenario())


def test_commands_are_ended_once_however_often_it_is_asked(
    tmp_path: Path, options: Options, busy: BusyGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with FakeContext(tmp_path) as context:
            ended = Ended()
            monkeypatch.setattr(context.processes, "terminate_matching", ended.terminate_matching)
            run = RunCommands(busy, context, options, key=KEY, cwd=tmp_path)
            await run.end()
            await run.end()
            busy.free.set()
            await asyncio.wait_for(ended.bounds.get(), 5)
            await run.end()
            assert ended.bounds.empty()

    asyncio.run(scenario())
