"""The tokens of runs: one for each session, which works while a turn of it runs."""

import asyncio
from collections.abc import Collection
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.support.turn_engine import in_event_loop
from xo_cowork_core.sdk import Turn
from xo_cowork_core.services import run_tokens
from xo_cowork_core.services.run_tokens import RunTokens

AGENT = "demo"


class Redacted(list[str]):
    """Records what is kept out of logs."""

    def __call__(self, secrets: Collection[SecretStr]) -> None:
        self += [secret.get_secret_value() for secret in secrets]


@pytest.fixture
def redacted() -> Redacted:
    return Redacted()


@pytest.fixture
def tokens(redacted: Redacted) -> RunTokens:
    return RunTokens(redacted)


def _turn(stream_id: str, session_id: str = "session") -> Turn:
    return Turn(stream_id, session_id, "text", Path("/"))


def _issue(tokens: RunTokens, turn: Turn, *scopes: str, agent_name: str = AGENT) -> str:
    return tokens.issue(turn, agent_name, scopes).get_secret_value()


def test_a_token_works_until_the_end_of_its_turn(tokens: RunTokens, redacted: Redacted) -> None:
    token = _issue(tokens, _turn("stream"), "mcp:acme")
    grant = tokens.check(token)
    assert grant == ("stream", "session", AGENT, frozenset({"mcp:acme"}))
    assert tokens.check(token + "x") is None
    assert tokens.check("") is None
    assert redacted == [token]
    tokens.end("stream")
    tokens.end("stream")
    assert tokens.check(token) is None
    assert tokens.is_issued(token)
    assert not tokens.is_issued("another")


def test_a_session_keeps_its_token_and_gets_the_scopes_of_each_turn(tokens: RunTokens) -> None:
    first = _issue(tokens, _turn("one"), "mcp:acme")
    tokens.end("one")
    assert _issue(tokens, _turn("two"), "mcp:other") == first
    grant = tokens.check(first)
    assert grant and grant.scopes == {"mcp:other"}
    assert _issue(tokens, _turn("two"), "git:acme") == first
    grant = tokens.check(first)
    assert grant and grant.scopes == {"mcp:other", "git:acme"}


def test_sessions_have_different_tokens(tokens: RunTokens) -> None:
    one = _issue(tokens, _turn("one", "a"), "mcp:acme")
    two = _issue(tokens, _turn("two", "b"))
    assert one != two
    grant = tokens.check(two)
    assert grant and not grant.scopes
    tokens.end("one")
    assert tokens.check(one) is None
    assert tokens.check(two)


def test_a_refused_prompt_leaves_the_running_turn_its_token(tokens: RunTokens) -> None:
    token = _issue(tokens, _turn("running"), "mcp:acme")
    _issue(tokens, _turn("refused"), "mcp:acme")
    tokens.end("refused")
    grant = tokens.check(token)
    assert grant and grant.stream_id == "running"


def test_a_token_moves_to_the_id_that_the_agent_gives_the_session(tokens: RunTokens) -> None:
    token = _issue(tokens, _turn("stream", "proposed"), "mcp:acme")
    tokens.move("stream", "assigned")
    tokens.move("unknown", "assigned")
    grant = tokens.check(token)
    assert grant and grant.session_id == "assigned"
    tokens.end("stream")
    assert _issue(tokens, _turn("next", "assigned")) == token
    assert _issue(tokens, _turn("other", "proposed")) != token


def test_a_shared_token_has_the_scopes_of_all_turns_of_its_agent(
    tokens: RunTokens, redacted: Redacted
) -> None:
    shared = tokens.share(AGENT, "mcp:").get_secret_value()
    assert tokens.check(shared) is None
    assert tokens.is_issued(shared)
    assert tokens.share(AGENT, "mcp:").get_secret_value() == shared
    assert redacted == [shared]
    assert tokens.share("other", "mcp:").get_secret_value() != shared
    _issue(tokens, _turn("one", "a"), "mcp:acme", "git:acme")
    _issue(tokens, _turn("two", "b"), "mcp:office")
    _issue(tokens, _turn("three", "c"), "mcp:secret", agent_name="other")
    grant = tokens.check(shared)
    assert grant and grant.scopes == {"mcp:acme", "mcp:office"}
    grant = tokens.check(tokens.share(AGENT, "git:").get_secret_value())
    assert grant and grant.scopes == {"git:acme"}
    tokens.end("two")
    grant = tokens.check(shared)
    assert grant and grant.scopes == {"mcp:acme"}


@in_event_loop
async def test_the_end_of_the_last_turn_of_a_token_can_be_awaited() -> None:
    tokens = RunTokens(lambda _: None)
    shared = tokens.share(AGENT, "mcp:").get_secret_value()
    _issue(tokens, _turn("one", "a"))
    own = _issue(tokens, _turn("two", "b"))
    ended = asyncio.create_task(tokens.wait_for_end(shared))
    tokens.end("two")
    await asyncio.wait_for(tokens.wait_for_end(own), 15)
    await asyncio.sleep(0)
    assert not ended.done()
    tokens.end("one")
    await asyncio.wait_for(ended, 15)


def test_only_tokens_of_sessions_without_a_turn_are_forgotten(
    tokens: RunTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_tokens, "MAX_SESSIONS", 2)
    running = _issue(tokens, _turn("running", "a"))
    idle = _issue(tokens, _turn("idle", "b"))
    tokens.end("idle")
    newest = _issue(tokens, _turn("newest", "c"))
    assert tokens.check(running) and tokens.check(newest)
    assert not tokens.is_issued(idle)
