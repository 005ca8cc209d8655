"""A runtime that keeps state for a session is notified when the session is deleted or not served.

The runtime of these tests writes `closed` into a file for each session that it has to close.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.plugins.closing import CLOSING
from xo_cowork_core.sdk.testing import Chat, LiveServer, install_plugin

CLOSE_SECONDS = 5.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = install_plugin(tmp_path_factory.mktemp("plugin"), "runtime_closing", CLOSING)
    environment = {"XO_PLUGINS": "runtime_closing,runtime_demo", "XO_PERMISSION_MODE": "ask"}
    with LiveServer(environment=environment, python_path=[folder]) as server:
        yield server


@pytest.fixture
def chat(server: LiveServer) -> Chat:
    if not server.running:
        server.start()
    return Chat(server, "closing")


def state_of(chat: Chat, session_id: str) -> str:
    folder: Path = chat.server.state / "plugins" / "runtime_closing"
    return (folder / session_id).read_text()


def test_a_deleted_session_is_closed_and_the_others_stay_open(chat: Chat) -> None:
    deleted, kept = (chat.run_turn("hello").session_id for _ in range(2))
    assert chat.http.delete(f"/api/sessions/{deleted}").json() == {"ok": True}
    assert (state_of(chat, deleted), state_of(chat, kept)) == ("closed", "hello")


@pytest.mark.parametrize("fault", ["raise", "hang"])
def test_a_session_is_deleted_although_its_runtime_fails_to_close_it(
    chat: Chat, fault: str
) -> None:
    session_id = chat.run_turn(fault).session_id
    start = time.monotonic()
    assert chat.http.delete(f"/api/sessions/{session_id}").json() == {"ok": True}
    assert time.monotonic() - start < CLOSE_SECONDS + 20
    assert state_of(chat, session_id) == "closed"
    assert chat.http.get(f"/api/sessions/{session_id}").status_code == 404


def test_a_stopped_server_closes_the_sessions_that_had_a_turn_since_its_start(chat: Chat) -> None:
    before = chat.run_turn("hello").session_id
    chat.server.restart()
    assert state_of(chat, before) == "closed"
    chat = Chat(chat.server, "closing")
    (chat.server.state / "plugins" / "runtime_closing" / before).write_text("of the last server")
    again = chat.run_turn("hello").session_id
    chat.server.terminate()
    assert state_of(chat, before) == "of the last server"
    assert state_of(chat, again) == "closed"


def test_a_permission_for_the_session_ends_with_the_session(server: LiveServer, chat: Chat) -> None:
    demo = Chat(server, "demo")
    always = {"allow": True, "scope": "session"}
    session_id = demo.run_and_answer("permission", "permission-request", always).session_id
    asked = demo.run_turn("permission", session_id=session_id)
    assert "permission-request" not in asked.events
    assert "tool-result" in asked.events
    other = demo.run_and_answer("permission", "permission-request", False)
    assert "tool-error" in other.events
