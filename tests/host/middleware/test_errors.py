"""Faults of a route: before its answer has begun, and after."""

import asyncio
import logging
from typing import Any

import pytest

from xo_cowork_core.host.middleware.errors import ErrorMiddleware

SCOPE = {"type": "http", "method": "GET", "path": "/odd"}
HEAD = {"type": "http.response.start", "status": 200, "headers": []}


def messages_of(fault: BaseException, *, begins: bool) -> list[Any]:
    """Return what a route sent that fails, before or after it has begun to answer."""
    sent: list[Any] = []

    async def fail(scope: Any, receive: Any, send: Any) -> None:
        if begins:
            await send(HEAD)
        raise fault

    async def receive() -> Any:
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    try:
        asyncio.run(ErrorMiddleware(fail)(SCOPE, receive, send))
    except RuntimeError as error:
        assert "broken off" in str(error)
        sent.append("broken off")
    return sent


@pytest.mark.parametrize("fault", [KeyError("planted"), SystemExit(3)])
def test_a_fault_is_a_500_that_names_its_log_line(
    fault: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "xo_cowork"):
        head, body = messages_of(fault, begins=False)
    assert head["status"] == 500
    assert b"planted" not in body["body"]
    fault_id = body["body"].decode().removesuffix('"}').rpartition(" ")[2]
    assert f"GET /odd failed as {fault_id}" in caplog.text


def test_an_answer_that_has_begun_is_broken_off() -> None:
    assert messages_of(KeyError("planted"), begins=True) == [HEAD, "broken off"]
