"""Pages of messages: exact while a transcript grows, and every message is there."""

from typing import Any

import pytest

from tests.support.terminal_session import TerminalSession
from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually
from xo_cowork_core.sdk.testing.history import tools_of


def page(server: LiveServer, session_id: str, **query: int) -> dict[str, Any]:
    answer = server.client.get(f"/api/messages/{session_id}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def texts(body: dict[str, Any]) -> list[str]:
    return [message["text"] for message in body["messages"]]


def grown(server: LiveServer, session: TerminalSession, exchanges: range) -> None:
    for number in exchanges:
        session.add_exchange(f"question {number}", f"answer {number}")
    total = 2 * exchanges.stop
    eventually(lambda: page(server, session.session_id)["total"] == total, 15, "all is read")


def test_pages_stay_where_they_are_while_the_transcript_grows(server: LiveServer) -> None:
    session = TerminalSession(server)
    grown(server, session, range(30))
    wanted = [f"{who} {number}" for number in range(80) for who in ("question", "answer")]
    first = page(server, session.session_id, limit=7, offset=0)
    assert texts(first) == wanted[:7]
    seen = texts(first)
    for start in range(30, 80, 10):
        # ten more between any two pages
        grown(server, session, range(start, start + 10))
        body = page(server, session.session_id, limit=7, offset=len(seen))
        assert (body["total"], body["offset"]) == (2 * (start + 10), len(seen))
        seen += texts(body)
    assert seen == wanted[: len(seen)]
    ids = [m["id"] for m in page(server, session.session_id, limit=500, offset=0)["messages"]]
    assert len(set(ids)) == 160
    again = page(server, session.session_id, limit=7, offset=0)
    assert again["messages"] == first["messages"]


def test_the_newest_page_and_those_beyond_the_end(server: LiveServer) -> None:
    session = TerminalSession(server)
    grown(server, session, range(30))
    newest = page(server, session.session_id)
    assert (newest["total"], newest["offset"], len(newest["messages"])) == (60, 10, 50)
    assert texts(newest)[-1] == "answer 29"
    small = page(server, session.session_id, limit=100, offset=-1)
    assert (small["offset"], len(small["messages"])) == (0, 60)
    beyond = page(server, session.session_id, offset=60)
    assert (beyond["total"], beyond["offset"], beyond["messages"]) == (60, 60, [])
    # a larger limit counts as 500
    assert page(server, session.session_id, limit=10**6, offset=59)["total"] == 60


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=x", "limit=1.5", "limit=1_0"])
@pytest.mark.parametrize("route", ["sessions/search", "messages"])
def test_a_wrong_limit_is_refused_in_search_and_messages(
    server: LiveServer, route: str, query: str
) -> None:
    session = TerminalSession(server)
    session.add_exchange("Anything?")
    path = f"messages/{session.session_id}" if route == "messages" else route
    answer = server.client.get(f"/api/{path}?q=x&{query}")
    assert answer.status_code == 400
    assert "limit" in answer.json()["detail"]
    assert server.client.get(f"/api/{path}?q=x&limit=100000").status_code == 200


def test_a_larger_limit_counts_as_500(server: LiveServer) -> None:
    for _ in range(501):
        TerminalSession(server).add_exchange("One of many wallabies?")
    hits = "/api/sessions/search?q=wallabies&limit="
    eventually(lambda: server.client.get(f"{hits}1").json()["total"] >= 501, 30, "all are listed")
    for route in (hits, "/api/sessions?limit="):
        for limit, count in ((500, 500), (501, 500), (10**9, 500), (3, 3)):
            body = server.client.get(f"{route}{limit}").json()
            assert len(body["sessions"]) == count
            assert body["total"] >= 501
    last = server.client.get(f"{hits}500&offset=500").json()
    assert (last["offset"], len(last["sessions"])) == (500, last["total"] - 500)


def test_the_same_text_sent_twice_is_there_twice(chat: Chat) -> None:
    server = chat.server
    session_id = chat.run_turn("echo again").session_id
    chat.run_turn("echo again", session_id=session_id)
    assert texts(page(server, session_id)) == ["echo again", "again"] * 2
    session = TerminalSession(server)
    for _ in range(3):
        session.add_exchange("Once more?", "Once more.")
    eventually(lambda: page(server, session.session_id)["total"] == 6, 15, "all is read")
    body = page(server, session.session_id)
    assert texts(body) == ["Once more?", "Once more."] * 3
    assert len({message["id"] for message in body["messages"]}) == 6
    markdown = server.client.get(f"{session.path}/export-md").text
    assert markdown.count("Once more?") == 4  # the title, too


def test_a_snippet_is_escaped_html(chat: Chat) -> None:
    server = chat.server
    text = "a <img src=x onerror=alert(1)> numbat & \"quotes\" 'too' <mark>mine</mark>"
    session_id = chat.run_turn(f"echo {text}").session_id
    titled = chat.run_turn("echo nothing").session_id
    patch = {"title": "<script>bilby</script> & more"}
    assert server.client.patch(f"/api/sessions/{titled}", json=patch).status_code == 200
    for word, found in (("numbat", session_id), ("bilby", titled)):
        path = f"/api/sessions/search?q={word}"
        eventually(lambda path=path: server.client.get(path).json()["total"] == 1, 15, word)
        (hit,) = server.client.get(path).json()["sessions"]
        assert hit["session_id"] == found
        bare = hit["snippet"].replace(f"<mark>{word}</mark>", "")
        assert bare != hit["snippet"]
        assert not set("<>\"'") & set(bare)
        assert "&amp;" in bare


def test_a_tool_keeps_the_last_state_that_its_updates_gave(chat: Chat) -> None:
    turn = chat.run_turn("progress 3")
    updates = turn.bodies("tool-update")
    assert updates[0]["arguments"] == {"command": "seq 3"}
    assert [body.get("output") for body in updates] == [None, "1\n", "1\n2\n", "1\n2\n3\n"]
    (state,) = tools_of(chat.messages(turn.session_id)).values()
    assert state["input"] == {"command": "seq 3"}
    assert state["title"] == "Count to 3"
    assert (state["status"], state["output"]) == ("completed", "1\n2\n3\n")


def test_a_tool_that_was_cut_off_keeps_the_output_it_had(chat: Chat) -> None:
    turn = chat.prompt("progress 1000")
    with chat.stream(turn.stream_id) as stream:
        while "output" not in stream.wait_for("tool-update").data:
            pass
        chat.abort(turn.stream_id)
        stream.rest()
    (state,) = tools_of(chat.messages(turn.session_id)).values()
    assert (state["title"], state["status"]) == ("Count to 1000", "running")
    assert str(state["output"]).startswith("1\n")
