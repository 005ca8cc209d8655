"""What the host hands to a plugin: public addresses and background tasks."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from xo_cowork_core.host.plugins import tasks
from xo_cowork_core.host.plugins.tasks import PluginTasks
from xo_cowork_core.sdk.testing import LiveServer, eventually, install_plugin
from xo_cowork_core.services.runtimes.registry import PluginRecord

SOURCE = """
import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import APIRouter

from xo_cowork_core.sdk import Contributions, hookimpl

STOPPED = Path("{folder}") / "stopped"


async def crash():
    raise ZeroDivisionError("on purpose")


async def quit():
    raise SystemExit(3)


async def fail_late(context, release):
    context.create_task(wait(), "wait")
    await release.wait()
    raise ZeroDivisionError("on purpose")


async def wait():
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(1.5)
        STOPPED.write_text("yes")


class Plugin:
    @hookimpl
    def xo_contributes(self):
        return Contributions(prefixes=["/api/acme"])

    @hookimpl
    @asynccontextmanager
    async def xo_lifespan(self, context):
        self.release = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            background = group.create_task(fail_late(context, self.release))
            yield
            background.cancel()

    @hookimpl
    def xo_routers(self, context):
        router = APIRouter(prefix="/api/acme")
        coroutines = {{"crash": crash, "wait": wait, "quit": quit}}

        @router.get("/url")
        async def url() -> str:
            return context.url_for("/api/acme/callback")

        @router.get("/threaded-url")
        def threaded_url() -> str:
            return context.url_for("/api/acme/callback")

        @router.post("/fail")
        async def fail() -> None:
            self.release.set()

        @router.post("/tasks/{{kind}}")
        async def start(kind: str) -> str:
            return context.create_task(coroutines[kind](), kind).get_name()

        return [router]


plugin = Plugin()
"""
EARLY = """
from xo_cowork_core.sdk import hookimpl


async def nothing():
    pass


class Plugin:
    @hookimpl
    def xo_runtimes(self, context):
        context.create_task(nothing(), "poller")
        return []


plugin = Plugin()
"""
FORWARDED = {"X-Forwarded-Host": "box.example", "X-Forwarded-Proto": "https"}
NAME = "tool_acme"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return install_plugin(tmp_path, NAME, SOURCE.format(folder=tmp_path))


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., LiveServer]]:
    servers: list[LiveServer] = []

    def run(**environment: str) -> LiveServer:
        environment["XO_PLUGINS"] = NAME
        servers.append(LiveServer(environment=environment, python_path=[folder]))
        servers[-1].start()
        return servers[-1]

    yield run
    for server in servers:
        server.close()


def url(server: LiveServer, path: str = "url", **headers: str) -> str:
    return server.client.get(f"/api/acme/{path}", headers=headers).json()


def test_a_url_is_that_of_the_socket_unless_the_address_is_told(start) -> None:
    server = start()
    assert url(server) == f"{server.base_url}/api/acme/callback"
    # anybody can send these headers
    assert url(server, **FORWARDED) == f"{server.base_url}/api/acme/callback"


def test_the_configured_address_wins_and_its_host_is_let_in(start) -> None:
    server = start(XO_PUBLIC_URL="https://box.example/xo/", XO_TRUST_FORWARDED="1")
    expected = "https://box.example/xo/api/acme/callback"
    assert url(server) == expected
    assert url(server, Host="box.example") == expected
    assert url(server, **{**FORWARDED, "X-Forwarded-Host": "other.example"}) == expected
    refused = server.client.get("/api/acme/url", headers={"Host": "other.example"})
    assert refused.status_code == 403


def test_a_trusted_proxy_tells_the_address_of_its_own_request(start) -> None:
    server = start(XO_TRUST_FORWARDED="1")
    for path in ("url", "threaded-url"):
        assert url(server, path, **FORWARDED) == "https://box.example/api/acme/callback"
    for wrong in ("evil.example, box.example", "user@box.example", "", "a b"):
        headers = {**FORWARDED, "X-Forwarded-Host": wrong}
        assert url(server, **headers).startswith(server.base_url)
    assert url(server, **{**FORWARDED, "X-Forwarded-Proto": "ftp"}).startswith(server.base_url)
    for name, value in FORWARDED.items():
        # two proxies, or one that passes on what a client sent
        headers = [*FORWARDED.items(), (name, value)]
        answer = server.client.get("/api/acme/url", headers=headers)
        assert answer.json().startswith(server.base_url), name
    assert url(server).startswith(server.base_url)


def test_a_task_that_crashes_is_logged_and_recorded(start) -> None:
    server = start()
    assert server.client.post("/api/acme/tasks/crash").json() == f"{NAME}: crash"
    row = server.client.get("/api/plugins").json()["plugins"]
    record = next(each for each in row if each["name"] == NAME)
    assert record["state"] == "degraded"
    assert "task tool_acme: crash failed with ZeroDivisionError: on purpose" in record["error"]
    assert "plugin tool_acme: its task" in server.log
    # it serves on
    assert url(server)


def test_a_task_that_raises_system_exit_does_not_end_the_server(start) -> None:
    server = start()
    server.client.post("/api/acme/tasks/quit")
    assert url(server)
    assert server.client.get("/api/plugins/status").json()[NAME] == "degraded"


def test_tasks_are_cancelled_and_awaited_at_the_stop(start, folder: Path) -> None:
    server = start()
    server.client.post("/api/acme/tasks/wait")
    began = time.monotonic()
    server.terminate()
    assert (folder / "stopped").read_text() == "yes"
    assert time.monotonic() - began < 20
    assert "ignores its cancellation" not in server.log
    assert "did not stop" not in server.log


def test_tasks_end_with_a_plugin_that_fails(start, folder: Path) -> None:
    server = start()
    server.client.post("/api/acme/fail")
    eventually((folder / "stopped").exists, 10, "its task has ended")
    assert server.client.get("/api/plugins/status").json()[NAME] == "failed"


def test_a_task_before_the_start_fails_the_plugin_with_the_reason(tmp_path: Path) -> None:
    early = install_plugin(tmp_path / "early", "tool_early", EARLY)
    with LiveServer(environment={"XO_PLUGINS": "tool_early"}, python_path=[early]) as server:
        rows = server.client.get("/api/plugins").json()["plugins"]
        (row,) = [row for row in rows if row["name"] == "tool_early"]
        assert row["state"] == "failed"
        assert "creates the task poller before its start: use xo_lifespan" in row["error"]


def test_a_task_that_ignores_its_cancellation_is_left_behind(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tasks, "STOP_SECONDS", 0.2)

    async def stubborn(release: asyncio.Event) -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    async def scenario() -> None:
        owned = PluginTasks(PluginRecord("mine"), logging.getLogger("xo_cowork.mine"))
        release = asyncio.Event()
        task = owned.create(stubborn(release), "stubborn")
        await asyncio.sleep(0)
        await owned.stop()
        assert "mine: stubborn ignores its cancellation" in caplog.text
        with pytest.raises(RuntimeError, match="after its stop"):
            owned.create(stubborn(release), "late")
        release.set()
        await task

    asyncio.run(scenario())


def test_a_crash_at_the_stop_is_logged_and_changes_no_state(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def crash_at_the_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ZeroDivisionError("on purpose")

    async def scenario() -> None:
        record = PluginRecord("mine", state="stopping")
        owned = PluginTasks(record, logging.getLogger("xo_cowork.mine"))
        owned.create(crash_at_the_end(), "crash")
        await asyncio.sleep(0)
        await owned.stop()
        assert (record.state, record.error) == ("stopping", "")
        assert "mine: crash failed with ZeroDivisionError" in caplog.text

    asyncio.run(scenario())
