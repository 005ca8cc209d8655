"""`POST /app/restart` over a real process: the same pid and port, and streams that go on."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.answers import expect_error
from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with LiveServer(environment={"XO_PLUGINS": "runtime_demo"}) as running:
        yield running


def starts(server: LiveServer) -> int:
    return server.log.count("listening on ")


def restart(server: LiveServer, style: str = "docs") -> None:
    """Request a restart and wait until the new server answers."""
    before = starts(server)
    answer = server.client.post("/app/restart", headers={"X-XO-Wire": style})
    assert (answer.status_code, answer.json()) == (200, {"status": "accepted"})
    eventually(lambda: starts(server) == before + 1, 20, "the new server")


@contextmanager
def polled(server: LiveServer) -> Iterator[list[str]]:
    """Request /health all the time, with a new connection each, and give what went wrong."""
    failures: list[str] = []
    ended = threading.Event()

    def poll() -> None:
        while not ended.is_set():
            try:
                with httpx.Client(trust_env=False, timeout=20) as client:
                    answer = client.get(f"{server.base_url}/health")
                if answer.status_code != 200:
                    failures.append(str(answer.status_code))
            except httpx.TransportError as error:
                failures.append(repr(error))

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield failures
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("style", ["docs", "spa"])
def test_the_server_restarts_in_its_process_and_refuses_nobody_meanwhile(
    server: LiveServer, style: str
) -> None:
    pid, address = server.pid, server.base_url
    with polled(server) as failures:
        restart(server, style)
        assert server.running
        assert server.client.get("/health").json()["status"] == "ok"
    assert failures == []
    assert (server.pid, server.base_url) == (pid, address)
    assert server.log.rstrip().count(address) >= 2


def test_a_running_turn_ends_with_a_clear_event_and_its_stream_is_replayed(
    server: LiveServer,
) -> None:
    chat = Chat(server, "demo")
    turn = chat.prompt("slow 60")
    with chat.stream(turn.stream_id) as stream:
        stream.wait_for("text-delta")
        restart(server)
        ending = stream.wait_for("agent-error")
    assert ending.data["code"] == "restart"
    replayed = server.client.get(f"/api/chat/stream/{turn.stream_id}").text
    assert replayed.count("event: agent-error") == 1
    assert '"code":"restart"' in replayed
    assert chat.run_turn("text", session_id=turn.session_id).events[-1] == "done"


def test_nothing_of_the_old_server_is_left_open(server: LiveServer) -> None:
    restart(server)
    before = len(list(_descriptors(server)))
    for _ in range(3):
        restart(server)
    assert len(list(_descriptors(server))) <= before + 1


def test_a_restart_that_would_fail_is_refused(server: LiveServer) -> None:
    config = server.state / "config.toml"
    config.write_text('xo_log_level = "loud"\n')
    try:
        reason = expect_error(server.client.post("/app/restart"), 409)
        assert "XO_LOG_LEVEL" in reason
    finally:
        config.unlink()
    assert server.client.get("/health").json()["status"] == "ok"
    assert server.running


def test_a_signal_ends_a_server_that_was_restarted() -> None:
    with LiveServer(environment={"XO_PLUGINS": "none"}, fresh=True) as server:
        restart(server)
        assert server.terminate() == 0


def _descriptors(server: LiveServer) -> Iterator[str]:
    yield from (entry.name for entry in Path(f"/proc/{server.pid}/fd").iterdir())
