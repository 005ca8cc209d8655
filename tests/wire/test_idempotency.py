"""`Idempotency-Key`: done once, answered again, also across a restart."""

import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from xo_cowork_core.sdk.testing import LiveServer, eventually, install_plugin


def ask(server: LiveServer, key: str, text: str = "silent 1") -> httpx.Response:
    body = {"text": text, "agent_name": "demo"}
    headers = {"Idempotency-Key": key}
    return server.client.post("/api/chat/prompt", json=body, headers=headers)


def listed_sessions(server: LiveServer) -> int:
    """Return the number of sessions once there are any: the index follows in its own time."""

    def total() -> int:
        return server.client.get("/api/sessions").json()["total"]

    eventually(lambda: total() > 0, 15, "a session is listed")
    return total()


def test_the_same_key_and_body_do_the_work_once_also_after_a_restart(
    own_server: LiveServer,
) -> None:
    key = str(uuid.uuid4())
    first = ask(own_server, key, "text")
    assert first.status_code == 200
    assert ask(own_server, key, "text").json() == first.json()
    own_server.restart()
    again = ask(own_server, key, "text")
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert listed_sessions(own_server) == 1


def test_the_same_key_with_another_body_or_route_is_409(own_server: LiveServer) -> None:
    key = str(uuid.uuid4())
    ask(own_server, key, "text")
    other = ask(own_server, key, "echo other")
    assert other.status_code == 409
    assert "Idempotency-Key" in other.json()["detail"]
    headers = {"Idempotency-Key": key}
    route = own_server.client.post("/api/chat/abort", json={"stream_id": "x"}, headers=headers)
    assert route.status_code == 409


def test_a_4xx_is_kept_and_a_key_of_a_read_is_ignored(own_server: LiveServer) -> None:
    key = str(uuid.uuid4())
    assert ask(own_server, key, "  ").status_code == 400
    assert ask(own_server, key, "  ").headers["idempotent-replayed"] == "true"
    headers = {"Idempotency-Key": key}
    assert own_server.client.get("/api/sessions", headers=headers).status_code == 200


def test_a_failure_of_the_server_is_not_kept(own_server: LiveServer) -> None:
    key = str(uuid.uuid4())
    body = {"project_name": "p", "question": "error upstream"}
    for _ in range(2):
        answer = own_server.client.post(
            "/ask_question", json=body, headers={"Idempotency-Key": key}
        )
        assert answer.status_code == 502
        assert "idempotent-replayed" not in answer.headers


def test_a_second_request_waits_for_the_first(own_server: LiveServer) -> None:
    key = str(uuid.uuid4())
    body = {"project_name": "p", "question": "slow 1"}
    found: list[httpx.Response] = []

    def send() -> None:
        headers = {"Idempotency-Key": key}
        found.append(own_server.client.post("/ask_question", json=body, headers=headers))

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in found] == [200, 200, 200]
    assert len({answer.json()["timestamp"] for answer in found}) == 1
    assert listed_sessions(own_server) == 1


def test_a_key_whose_request_a_crash_cut_is_refused(own_server: LiveServer) -> None:
    key = str(uuid.uuid4())
    body = {"project_name": "p", "question": "slow 30"}
    headers = {"Idempotency-Key": key}

    def send() -> None:
        with pytest.raises(httpx.TransportError):
            own_server.client.post("/ask_question", json=body, headers=headers)

    thread = threading.Thread(target=send)
    thread.start()
    while not own_server.client.get("/api/chat/active").json():
        pass
    own_server.kill()
    thread.join()
    own_server.start()
    answer = own_server.client.post("/ask_question", json=body, headers=headers)
    assert answer.status_code == 409
    assert "restart" in answer.json()["detail"]


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_of_the_wrong_length_is_400(own_server: LiveServer, key: str) -> None:
    assert ask(own_server, key).status_code == 400


def test_the_longest_key_is_taken(own_server: LiveServer) -> None:
    key = "x" * 255
    first, again = ask(own_server, key), ask(own_server, key)
    assert first.status_code == again.status_code == 200
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"


WAITS = """
import asyncio
from pathlib import Path

from fastapi import APIRouter

from xo_cowork_core.sdk import Contributions, hookimpl

class Plugin:
    @hookimpl
    def xo_contributes(self):
        return Contributions(prefixes=["/api/waits"])
    @hookimpl
    def xo_routers(self, context):
        router = APIRouter(prefix="/api/waits")
        began, go = Path(context.paths.home, "began"), Path(context.paths.home, "go")

        @router.post("/once")
        async def once() -> dict[str, bool]:
            began.touch()
            async with asyncio.timeout(20):
                while not go.exists():
                    await asyncio.sleep(0.01)
            return {"ok": True}

        return [router]

plugin = Plugin()
"""


class Asked(threading.Thread):
    """A request with a key, on its way."""

    def __init__(self, server: LiveServer, key: str) -> None:
        super().__init__()
        self.answer: httpx.Response | None = None
        self._server = server
        self._key = key

    def run(self) -> None:
        self.answer = once(self._server, self._key)


def once(server: LiveServer, key: str) -> httpx.Response:
    return server.client.post("/api/waits/once", headers={"Idempotency-Key": key})


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[LiveServer]:
    """A server whose route /api/waits/once waits until there is a file `go`."""
    install_plugin(tmp_path, "waits", WAITS)
    with LiveServer(environment={"XO_PLUGINS": "waits"}, python_path=[tmp_path]) as running:
        yield running


@contextmanager
def unwritable(server: LiveServer) -> Iterator[None]:
    """Keep the server from writing its database, as another writer would."""
    with closing(sqlite3.connect(server.state / "state.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        yield
        writer.execute("ROLLBACK")


def test_an_answer_is_kept_before_it_is_given(waiting: LiveServer) -> None:
    asked = Asked(waiting, "early")
    asked.start()
    eventually((waiting.home / "began").exists, 10, "the request")
    with unwritable(waiting):
        (waiting.home / "go").touch()
        asked.join(1)
        assert asked.answer is None
    asked.join(20)
    assert asked.answer
    assert asked.answer.status_code == 200
    assert once(waiting, "early").headers["idempotent-replayed"] == "true"


def test_an_answer_that_could_not_be_kept_is_given_and_its_key_refused(
    waiting: LiveServer,
) -> None:
    asked = Asked(waiting, "lost")
    asked.start()
    eventually((waiting.home / "began").exists, 10, "the request")
    with unwritable(waiting):
        (waiting.home / "go").touch()
        asked.join(20)
    assert asked.answer
    assert asked.answer.json() == {"ok": True}
    again = once(waiting, "lost")
    assert again.status_code == 409
    assert "could not be kept" in again.json()["detail"]


def test_a_key_that_cannot_be_stored_is_503(waiting: LiveServer) -> None:
    with unwritable(waiting):
        refused = once(waiting, "never")
    assert refused.status_code == 503
    assert not (waiting.home / "began").exists()
