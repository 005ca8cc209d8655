"""A report that is asked for again is the same until something changed, and then it is not."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.wire.terminal import TerminalSession
from xo_cowork_core.sdk.testing import LiveServer, eventually

PRICE = '["claude-opus-4-5"]\ninput = {0}\noutput = {0}\ncache_read = {0}\ncache_write = {0}\n'


@pytest.fixture
def server() -> Iterator[LiveServer]:
    with LiveServer() as running:
        yield running


def usage(server: LiveServer) -> dict[str, Any]:
    answer = server.client.get("/api/usage")
    assert answer.status_code == 200, answer.text
    return answer.json()


def messages(server: LiveServer) -> int:
    return usage(server)["total_messages"]


def test_a_new_answer_is_in_the_next_report(server: LiveServer) -> None:
    session = TerminalSession(server, "spender")
    for count in (2, 4, 6):
        session.exchange("What does it cost?")
        eventually(lambda count=count: messages(server) == count, 5, "it is counted")
        assert usage(server) == usage(server)
        assert usage(server)["by_session"][0]["messages"] == count


def test_a_new_price_is_in_the_next_report(server: LiveServer) -> None:
    TerminalSession(server, "spender").exchange("What does it cost?")
    eventually(lambda: messages(server) == 2, 5, "it is counted")
    tokens = sum(usage(server)["total_tokens"].values())
    model = usage(server)["by_model"][0]["model"]
    for price in (1000, 3000):
        lines = PRICE.replace("claude-opus-4-5", model).format(price)
        (server.state / "prices.toml").write_text(lines)
        assert usage(server)["total_cost_usd"] == pytest.approx(tokens * price / 1e6)
