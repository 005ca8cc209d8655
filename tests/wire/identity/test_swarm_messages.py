"""Messages of the older chat reach the XO service: the person's once, the agent's once."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.xo_service import FakeXoService, Fault
from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually

KEY = "key-of-the-settings"
ADD_MESSAGE = "/chat/add_message"
WAIT_SECONDS = 15


@pytest.fixture
def service() -> Iterator[FakeXoService]:
    with FakeXoService() as running:
        yield running


def server_at(service: FakeXoService, **more: str) -> LiveServer:
    environment = {"XO_PLUGINS": "runtime_demo", "CHAT_API_BASE_URL": service.url, **more}
    return LiveServer(environment=environment)


@pytest.fixture
def server(service: FakeXoService) -> Iterator[LiveServer]:
    with server_at(service, XO_API_KEY=KEY) as running:
        yield running


def ask(server: LiveServer, question: str = "text", **more: Any) -> str:
    body = {"project_name": "my-project", "question": question, "agent_name": "demo", **more}
    answer = server.client.post("/ask_question", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["message"]


def reported(service: FakeXoService) -> list[tuple[str, str]]:
    return [(message["type"], message["message"]) for message in service.messages]


def wait_for(service: FakeXoService, count: int) -> None:
    eventually(lambda: len(service.messages) >= count, WAIT_SECONDS, f"{count} messages")


def test_each_turn_of_the_older_chat_is_two_messages(
    server: LiveServer, service: FakeXoService
) -> None:
    answer = ask(server, user_id="ann")
    body = {"project_name": "other", "question": "text two", "agent_name": "demo"}
    assert server.client.post("/ask_question_streaming", json=body).status_code == 200
    wait_for(service, 4)
    assert reported(service)[:2] == [("@xo", "text"), ("agent", answer)]
    assert [m["project_id"] for m in service.messages] == ["my-project"] * 2 + ["other"] * 2
    assert [m["user_id"] for m in service.messages] == ["ann"] * 2 + ["default_user"] * 2
    # the newer chat is never reported
    Chat(server, "demo").run_turn("text")
    ask(server, "text last")
    wait_for(service, 6)
    assert len(service.messages) == len(service.sent(ADD_MESSAGE)) == 6


def test_signed_out_nothing_is_sent_and_nothing_is_kept(service: FakeXoService) -> None:
    with server_at(service) as server:
        ask(server)
        auth_session_id, poll_token = service.open_sign_in()
        body = {"auth_session_id": auth_session_id, "poll_token": poll_token}
        assert server.client.post("/xo-auth/consume", json=body).status_code == 200
        ask(server, "text after")
        wait_for(service, 2)
        assert [text for kind, text in reported(service) if kind == "@xo"] == ["text after"]


@pytest.mark.parametrize(
    "fault", [Fault(503), Fault(cut=True, serves=True), Fault(302, headers={"location": "/x"})]
)
def test_a_message_whose_answer_was_lost_is_there_once(
    server: LiveServer, service: FakeXoService, fault: Fault
) -> None:
    service.faults[ADD_MESSAGE] = fault
    ask(server)
    eventually(lambda: len(service.sent(ADD_MESSAGE)) > 1, WAIT_SECONDS, "a second attempt")
    service.faults.clear()
    wait_for(service, 2)
    assert [kind for kind, _ in reported(service)] == ["@xo", "agent"]


def test_a_slow_or_dead_service_delays_no_answer(
    server: LiveServer, service: FakeXoService
) -> None:
    service.faults[ADD_MESSAGE] = Fault(silence_seconds=60)
    for number in range(3):
        ask(server, f"text {number}")
    assert service.messages == []


def test_a_refused_message_does_not_stop_the_next_one(
    server: LiveServer, service: FakeXoService
) -> None:
    service.faults[ADD_MESSAGE] = Fault(422)
    ask(server)
    eventually(lambda: len(service.sent(ADD_MESSAGE)) == 2, WAIT_SECONDS, "both refusals")
    service.faults.clear()
    ask(server, "text next")
    wait_for(service, 2)
    assert reported(service)[0] == ("@xo", "text next")


@pytest.mark.fault
def test_what_was_queued_survives_a_kill_and_is_sent_once(
    server: LiveServer, service: FakeXoService
) -> None:
    # the service takes the first message, and its answer never arrives
    service.faults[ADD_MESSAGE] = Fault(silence_seconds=60, serves=True)
    answer = ask(server)
    eventually(lambda: len(service.messages) == 1, WAIT_SECONDS, "the first message")
    assert server.kill() == -signal.SIGKILL
    service.faults.clear()
    server.start()
    wait_for(service, 2)
    assert reported(service) == [("@xo", "text"), ("agent", answer)]


@pytest.mark.fault
def test_a_turn_that_a_kill_interrupted_has_its_answer_so_far(
    server: LiveServer, service: FakeXoService
) -> None:
    body = {"project_name": "my-project", "question": "slow 60", "agent_name": "demo"}
    with server.client.stream("POST", "/ask_question_streaming", json=body) as answer:
        lines = answer.iter_lines()
        while "token" not in next(lines):
            pass
        wait_for(service, 1)
        server.kill()
    server.start()
    wait_for(service, 2)
    assert [kind for kind, _ in reported(service)] == ["@xo", "agent"]
