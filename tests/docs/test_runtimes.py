"""The runtimes' page: its table is the server's, and its notes on absent abilities are true."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import pytest

from tests.docs.bare_plugin import BARE
from tests.docs.pages import page
from tests.docs.runtimes_page import HAS, own_plugins, wanted
from tests.docs.test_reference import words
from tests.support.answers import wait_for_state
from xo_cowork_core.sdk.testing import Chat, LiveServer, install_plugin
from xo_cowork_core.services.runtimes.registry import ABILITIES

PAGE = page("docs/runtimes.md")
ASKING = {"permission-request", "question", "plan-review"}
Check = Callable[[Chat], None]


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chat]:
    """A frontend of a server whose only runtime has no ability."""
    folder = install_plugin(tmp_path_factory.mktemp("bare"), "runtime_bare", BARE)
    with LiveServer(environment={"XO_PLUGINS": "runtime_bare"}, python_path=[folder]) as server:
        yield Chat(server, "bare")


def test_the_table_is_what_the_code_generates() -> None:
    assert PAGE.text == wanted(), "run: python -m tests.docs.runtimes_page"


def test_the_table_is_what_a_server_reports(live_server: Callable[..., LiveServer]) -> None:
    rows = PAGE.table("## What each can do")
    listed = {name: {words(row[0])[0] for row in rows if row[at] == HAS} for at, name in _columns()}
    server = live_server(environment={"XO_PLUGINS": ",".join(own_plugins())})
    found = [r for p in server.client.get("/api/plugins").json()["plugins"] for r in p["runtimes"]]
    assert listed == {runtime["name"]: set(runtime["abilities"]) for runtime in found}


def test_runtimes_are_in_the_order_in_which_a_default_is_chosen() -> None:
    listed = [words(row[0])[0] for row in PAGE.table("## Which there are")]
    assert listed == [name for _, name in _columns()]


def test_every_absent_ability_is_explained_and_tried() -> None:
    explained = {words(row[0])[0] for row in PAGE.table("## Where an ability is absent")}
    assert explained == set(ABILITIES) == set(WITHOUT)


@pytest.mark.parametrize("ability", list(ABILITIES))
def test_a_frontend_sees_what_the_page_says_without(ability: str, bare: Chat) -> None:
    WITHOUT[ability](bare)


def _columns() -> list[tuple[int, str]]:
    lines = PAGE.section("## What each can do").splitlines()
    head = next(line for line in lines if line.startswith("|"))
    return list(enumerate(words(head), start=1))


def _interrupts(chat: Chat) -> None:
    turn = chat.prompt("wait")
    with chat.stream(turn.stream_id) as stream:
        stream.wait_for("text-delta")
        assert chat.abort(turn.stream_id) == {"ok": True, "aborted": True}
        assert stream.rest()[-1].data["finish_reason"] == "aborted"


def _answers(chat: Chat) -> None:
    ended = chat.run_turn("nothing to ask")
    assert not ASKING & set(ended.events)
    assert chat.respond(ended.stream_id, "call-1", True).status_code == 404
    running = chat.prompt("wait")
    assert chat.respond(running.stream_id, "call-1", True).status_code == 404
    chat.abort(running.stream_id)


def _keeps_history(chat: Chat) -> None:
    _check_kept(chat, "zebra")


def _keeps_transcripts(chat: Chat) -> None:
    _check_kept(chat, "okapi")


def _check_kept(chat: Chat, word: str) -> None:
    turn = chat.run_turn(f"remember the {word}")
    assert turn.session_id in {row["session_id"] for row in chat.sessions()}
    assert [message["role"] for message in chat.messages(turn.session_id)] == ["user", "assistant"]
    found = chat.http.get("/api/sessions/search", params={"q": word}).json()["sessions"]
    assert [row["session_id"] for row in found] == [turn.session_id]


def _edits_history(chat: Chat) -> None:
    turn = chat.run_turn("as it was")
    before = chat.messages(turn.session_id)
    body = {"session_id": turn.session_id, "message_id": before[0]["id"], "text": "other"}
    assert chat.http.post("/api/chat/edit", json=body).status_code == 501
    assert chat.messages(turn.session_id) == before


def _checks_health(chat: Chat) -> None:
    wait_for_state(chat.server, "bare", "ready")


def _closes_sessions(chat: Chat) -> None:
    session_id = chat.run_turn("hello").session_id
    assert chat.http.delete(f"/api/sessions/{session_id}").json() == {"ok": True}


def _opens_sessions(chat: Chat) -> None:
    session_id = chat.run_turn("who am I").session_id
    assert str(uuid.UUID(session_id)) == session_id


def _lists_models(chat: Chat) -> None:
    assert chat.http.get("/api/models").json() == {"models": []}
    assert "model=some-model" in chat.run_turn("hello", model="some-model").text


def _logs_in(chat: Chat) -> None:
    path = "/api/runtimes/bare/sign-in"
    answers = [chat.http.get(path), chat.http.post(path)]
    assert [answer.status_code for answer in answers] == [501, 501]


def _offers_skills(chat: Chat) -> None:
    assert chat.http.get("/api/skills").json() == []
    assert "skill=some-skill" in chat.run_turn("hello", agent_type="some-skill").text


def _keeps_agents(chat: Chat) -> None:
    assert chat.http.get("/api/agents").json() == {"agents": []}
    assert chat.http.post("/api/agents", json={"name": "x"}).status_code == 501
    one = "/api/agents/x"
    others = (chat.http.get(one), chat.http.patch(one, json={}), chat.http.delete(one))
    assert [answer.status_code for answer in others] == [404, 404, 404]


def _has_channels(chat: Chat) -> None:
    empty = {"channels": {}, "gateway_running": False}
    assert chat.http.get("/api/channels").json() == empty
    body = {"channel": "slack", "token": "t"}
    assert chat.http.post("/api/channels/add", json=body).status_code == 501


def _has_gateway(chat: Chat) -> None:
    assert chat.http.post("/gateway/restart").status_code == 501


def _reports_status(chat: Chat) -> None:
    for what in ("models", "channels", "providers"):
        assert chat.http.get(f"/{what}/status").status_code == 501


def _lists_providers(chat: Chat) -> None:
    assert chat.http.get("/api/config/providers").json() == []
    answer = chat.http.post("/api/config/providers/acme/key", json={"key": "x"})
    assert answer.status_code == 400


def _shows_configuration(chat: Chat) -> None:
    assert chat.http.get("/api/config/agents/bare").json() == {}


def _reports_account(chat: Chat) -> None:
    answer = chat.http.get("/api/config/openai-subscription")
    assert answer.json() == {"has_subscription": False, "is_connected": False}


def _lists_tools(chat: Chat) -> None:
    assert chat.http.get("/api/tools").json() == []


def _lists_mcp_servers(chat: Chat) -> None:
    assert chat.http.get("/api/mcp/status").json() == []


def _lists_automations(chat: Chat) -> None:
    assert chat.http.get("/api/automations").json() == []


WITHOUT: Mapping[str, Check] = MappingProxyType(
    {
        "interrupts": _interrupts,
        "answers": _answers,
        "keeps_history": _keeps_history,
        "keeps_transcripts": _keeps_transcripts,
        "edits_history": _edits_history,
        "checks_health": _checks_health,
        "closes_sessions": _closes_sessions,
        "opens_sessions": _opens_sessions,
        "logs_in": _logs_in,
        "lists_models": _lists_models,
        "offers_skills": _offers_skills,
        "keeps_agents": _keeps_agents,
        "lists_agents": _keeps_agents,
        "has_channels": _has_channels,
        "has_gateway": _has_gateway,
        "tells_status": _reports_status,
        "lists_providers": _lists_providers,
        "shows_configuration": _shows_configuration,
        "reports_account": _reports_account,
        "lists_tools": _lists_tools,
        "lists_mcp_servers": _lists_mcp_servers,
        "lists_automations": _lists_automations,
    }
)
