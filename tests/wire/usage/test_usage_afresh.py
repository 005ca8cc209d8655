"""A repeated report is the same until something changed, and differs afterwards."""

import json
from typing import Any

import pytest

from tests.support.terminal_session import TerminalSession
from xo_cowork_core.sdk.testing import LiveServer, eventually

PRICE = '["claude-opus-4-5"]\ninput = {0}\noutput = {0}\ncache_read = {0}\ncache_write = {0}\n'


def usage(server: LiveServer) -> dict[str, Any]:
    answer = server.client.get("/api/usage")
    assert answer.status_code == 200, answer.text
    return answer.json()


def messages(server: LiveServer) -> int:
    return usage(server)["total_messages"]


def test_a_new_answer_is_in_the_next_report(server: LiveServer) -> None:
    session = TerminalSession(server, "spender")
    for count in (2, 4, 6):
        session.add_exchange("What does it cost?")
        eventually(lambda count=count: messages(server) == count, 15, "it is counted")
        assert usage(server) == usage(server)
        assert usage(server)["by_session"][0]["messages"] == count


def test_a_new_price_is_in_the_next_report(server: LiveServer) -> None:
    TerminalSession(server, "spender").add_exchange("What does it cost?")
    eventually(lambda: messages(server) == 2, 15, "it is counted")
    tokens = sum(usage(server)["total_tokens"].values())
    model = usage(server)["by_model"][0]["model"]
    for price in (1000, 3000):
        lines = PRICE.replace("claude-opus-4-5", model).format(price)
        (server.state / "prices.toml").write_text(lines)
        assert usage(server)["total_cost_usd"] == pytest.approx(tokens * price / 1e6)


def test_a_price_that_cannot_be_hides_no_other(server: LiveServer) -> None:
    TerminalSession(server, "spender").add_exchange("What does it cost?", tokens=1000)
    eventually(lambda: messages(server) == 2, 15, "it is counted")
    listed = usage(server)["total_cost_usd"]
    assert listed > 0
    own = '["claude-opus-4-5"]\ninput = {}\n'
    for wrong in ("nan", "inf", "-5", "1e300", "true", '"cheap"', "[1]", "{}"):
        (server.state / "prices.toml").write_text(own.format(wrong))
        assert usage(server)["total_cost_usd"] == listed
        (server.state / "prices.toml").write_text(f'["x"]\ninput = {wrong}\n' + own.format(1000))
        assert usage(server)["total_cost_usd"] == pytest.approx(1)
    warnings = server.log.count("has no price that can be for x")
    assert (warnings, usage(server)["total_cost_usd"]) == (8, pytest.approx(1))
    assert server.log.count("has no price that can be for x") == warnings


@pytest.mark.parametrize("models", [[], {"claude-opus-4-5": {"input": "x"}}, {"a": 5}, None])
def test_damaged_entries_of_the_price_cache_are_looked_up_again(
    server: LiveServer, models: object
) -> None:
    TerminalSession(server, "spender").add_exchange("What does it cost?")
    eventually(lambda: messages(server) == 2, 15, "it is counted")
    listed = usage(server)["total_cost_usd"]
    kept = json.loads((server.state / "prices.json").read_text())
    server.terminate()
    (server.state / "prices.json").write_text(json.dumps({**kept, "models": models}))
    server.start()
    eventually(lambda: messages(server) == 2, 15, "it is counted again")
    assert listed > 0
    eventually(lambda: usage(server)["total_cost_usd"] == listed, 20, "the price is looked up")
    again = json.loads((server.state / "prices.json").read_text())
    assert again == kept


def test_a_model_of_any_name_is_counted_and_named(server: LiveServer) -> None:
    session = TerminalSession(server, "spender")
    names = ["a\0b", "--help", "", "x" * 200_000]
    for name in names:
        session.add_exchange("What does it cost?", model=name)
    session.add_exchange("And the usual one?")
    eventually(lambda: messages(server) == 10, 15, "all are counted")
    assert usage(server)["total_cost_usd"] > 0
    assert set(usage(server)["unpriced_models"]) >= {"a\0b", "--help"}
