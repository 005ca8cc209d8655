"""A request takes one answer, and none after the agent took it back or the turn ended."""

import pytest

from xo_cowork_core.sdk import NotFound
from xo_cowork_core.sdk.kit import PendingAnswers


def test_an_answer_is_taken_once():
    pending = PendingAnswers[str]("The agent")
    pending.add("call", "request")
    assert "call" in pending
    assert pending.take("call") == "request"
    with pytest.raises(NotFound, match="The agent no longer waits for this answer"):
        pending.take("call")


def test_the_agent_withdraws_a_request_by_its_own_id():
    pending = PendingAnswers[str]("The agent")
    for number, call_id in enumerate("abc"):
        pending.add(call_id, call_id.upper(), request_id=number % 2)
    assert pending.cancel(0) == ["A", "C"]
    assert pending.cancel(0) == []
    assert list(pending) == ["B"]


def test_a_request_id_of_zero_is_not_the_lack_of_one():
    pending = PendingAnswers[str]("The agent")
    pending.add("call", "request")
    assert pending.cancel(0) == []


def test_nothing_is_taken_after_the_end():
    pending = PendingAnswers[str]("The agent")
    pending.add("call", "request")
    pending.close()
    assert list(pending) == ["request"]
    with pytest.raises(NotFound):
        pending.take("call")
