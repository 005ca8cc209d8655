"""A server that is killed (`kill -9`) in each state of a sign-in, and the next one."""

import asyncio
import json
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.connectors.child import methods_for
from tests.support.connectors.engine import CONNECTOR
from tests.support.connectors.fixtures import oauth_engine
from tests.support.turn_engine import in_event_loop
from xo_cowork_core.sdk.testing.oauth_server import FakeOAuthServer


@dataclass
class Child:
    """A process with one open flow."""

    flow_id: str
    url: str | None
    code: str | None


@contextmanager
def killed_at_exit(
    folder: Path, server: FakeOAuthServer, method: str, *options: str
) -> Iterator[Child]:
    command = [sys.executable, "-m", "tests.support.connectors.child"]
    with subprocess.Popen(
        [*command, str(folder), server.url, method, *options], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            yield Child(*json.loads(process.stdout.readline()).values())
        finally:
            process.send_signal(signal.SIGKILL)


def visit(server: FakeOAuthServer, url: str) -> int:
    try:
        return server.sign_in(url).status_code
    except httpx.HTTPError:
        return 0


@in_event_loop
async def test_a_browser_that_comes_back_after_the_kill_is_still_taken(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    with killed_at_exit(tmp_path, server, "authorization_code") as child:
        journal = tmp_path / "flows.json"
        assert stat.S_IMODE(journal.stat().st_mode) == 0o600
    async with oauth_engine(tmp_path, server, *methods_for(server)) as engine:
        flow = engine.flows.read(CONNECTOR, child.flow_id)
        assert (flow.state, flow.redirect) == ("awaiting_user", "loopback")
        assert await asyncio.to_thread(visit, server, child.url or "") == 200
        await engine.reaches(flow, "completed")
        assert engine.connections.status(CONNECTOR).state == "connected"
    stored = json.loads(journal.read_text())["flows"][0]
    assert [stored[name] for name in ("verifier", "oauth_state", "tokens")] == [None] * 3


@in_event_loop
async def test_a_code_that_was_being_exchanged_is_not_sent_twice(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    with (
        server.hold("token") as hold,
        killed_at_exit(tmp_path, server, "authorization_code") as child,
    ):
        visiting = asyncio.create_task(asyncio.to_thread(visit, server, child.url or ""))
        await asyncio.to_thread(hold.wait)
    await visiting
    async with oauth_engine(tmp_path, server, *methods_for(server)) as engine:
        flow = engine.flows.read(CONNECTOR, child.flow_id)
        assert flow.state == "awaiting_user"
        assert flow.error and flow.error.code == "restarted"
        assert len(server.requests("token")) == 1
        assert await asyncio.to_thread(visit, server, child.url or "") == 200
        await engine.reaches(flow, "completed")


@in_event_loop
async def test_tokens_that_were_being_checked_are_not_lost(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    with (
        server.hold("userinfo") as hold,
        killed_at_exit(tmp_path, server, "authorization_code") as child,
    ):
        visiting = asyncio.create_task(asyncio.to_thread(visit, server, child.url or ""))
        await asyncio.to_thread(hold.wait)
    await visiting
    async with oauth_engine(tmp_path, server, *methods_for(server)) as engine:
        flow = engine.flows.read(CONNECTOR, child.flow_id)
        await engine.reaches(flow, "completed")
        assert len(server.requests("token")) == 1


@in_event_loop
async def test_a_device_is_polled_on(tmp_path: Path, server: FakeOAuthServer) -> None:
    with killed_at_exit(tmp_path, server, "device_code") as child:
        pass
    server.approve(child.code or "")
    async with oauth_engine(tmp_path, server, *methods_for(server)) as engine:
        flow = engine.flows.read(CONNECTOR, child.flow_id)
        assert flow.user_code == child.code
        await engine.reaches(flow, "completed")


@in_event_loop
async def test_a_flow_that_was_starting_starts_again(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    with (
        server.hold("server_metadata") as hold,
        killed_at_exit(tmp_path, server, "authorization_code", "starting") as child,
    ):
        await asyncio.to_thread(hold.wait)
        assert child.url is None
    async with oauth_engine(tmp_path, server, *methods_for(server)) as engine:
        flow = await engine.flows.settled(CONNECTOR, child.flow_id, 10)
        assert await asyncio.to_thread(visit, server, flow.authorize_url or "") == 200
        await engine.reaches(flow, "completed")


@in_event_loop
async def test_a_key_may_be_pasted_after_the_kill(tmp_path: Path, server: FakeOAuthServer) -> None:
    with killed_at_exit(tmp_path, server, "api_key") as child:
        pass
    key = server.issue().access_token
    async with oauth_engine(tmp_path, server, *methods_for(server)) as engine:
        flow = await engine.flows.submit(CONNECTOR, child.flow_id, key)
        assert flow.state == "completed"


@in_event_loop
async def test_a_sign_in_program_ends_with_the_server(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    with killed_at_exit(tmp_path, server, "command") as child:
        assert child.url == "https://acme.test/login"
    async with oauth_engine(tmp_path, server, *methods_for(server)) as engine:
        flow = engine.flows.read(CONNECTOR, child.flow_id)
        assert flow.state == "failed"
        assert flow.error and flow.error.code == "restarted"
        assert not any(
            b"echo https://acme.test/login" in read_command_line(process)
            for process in Path("/proc").glob("[0-9]*")
        )


def read_command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


@in_event_loop
async def test_a_port_that_another_program_took_meanwhile_leaves_pasting(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    with killed_at_exit(tmp_path, server, "authorization_code") as child:
        pass
    answer = await asyncio.to_thread(server.visit, child.url or "")
    port = httpx.URL(answer).port
    assert port
    foreign = await asyncio.start_server(lambda *_: None, "127.0.0.1", port)
    async with oauth_engine(tmp_path, server, *methods_for(server)) as engine:
        flow = engine.flows.read(CONNECTOR, child.flow_id)
        done = await engine.flows.submit(CONNECTOR, flow.flow_id, answer)
        assert (done.state, done.redirect) == ("completed", "paste")
    foreign.close()
    await foreign.wait_closed()
