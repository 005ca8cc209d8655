"""What may be looked for: texts of any length, as people paste them."""

import pytest

from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually


def wait_until_found(server: LiveServer, text: str, session_id: str) -> None:
    """Wait until a session is indexed: a request waits for the index no longer than a second."""
    eventually(lambda: session_id in search(server, text), 15, f"{session_id} is found")


def search(server: LiveServer, text: str) -> list[str]:
    answer = server.client.get("/api/sessions/search", params={"q": text})
    assert answer.status_code == 200, answer.text
    return [row["session_id"] for row in answer.json()["sessions"]]


@pytest.mark.parametrize("words", [1, 63, 64, 65, 1500])
def test_a_pasted_text_finds_the_session_that_contains_it(chat: Chat, words: int) -> None:
    text = " ".join(f"Wort{number}" for number in range(words))
    session_id = chat.run_turn(f"echo {text} end{words}").session_id
    wait_until_found(chat.server, text, session_id)
    assert session_id in search(chat.server, f"{text} {text}")


@pytest.mark.parametrize("letter", ["x", "%", "ß", " _ "])
def test_a_text_without_blanks_is_searched(chat: Chat, letter: str) -> None:
    assert search(chat.server, letter * (60_000 // len(letter.encode()) // 3)) == []


def test_a_word_that_is_too_long_is_searched_by_its_beginning(chat: Chat) -> None:
    session_id = chat.run_turn(f"echo {'q' * 9000}").session_id
    wait_until_found(chat.server, "q" * 8000, session_id)
    assert search(chat.server, "q" * 8000) == [session_id]


@pytest.mark.parametrize("query", ["", "?q=", "?q=%20%09"])
def test_a_search_without_words_lists_all_sessions_newest_first(chat: Chat, query: str) -> None:
    chat.run_turn("echo capybara")
    newest = chat.run_turn("echo okapi").session_id
    wait_until_found(chat.server, "okapi", newest)
    page = chat.http.get("/api/sessions").json()
    found = chat.http.get(f"/api/sessions/search{query}").json()
    assert found["sessions"][0]["session_id"] == newest
    assert found["sessions"] == [{**row, "snippet": None} for row in page["sessions"]]
    assert found["total"] == page["total"]
    spa = chat.http.get(f"/api/sessions/search{query}", headers={"X-XO-Wire": "spa"}).json()
    assert spa == [{"session": row, "snippet": None} for row in page["sessions"]]


def test_only_the_docs_style_has_html_in_a_snippet(chat: Chat) -> None:
    session_id = chat.run_turn("echo if a < b && <mark>tapir</mark> is &amp;").session_id
    wait_until_found(chat.server, "tapir", session_id)
    (hit,) = chat.http.get("/api/sessions/search?q=tapir").json()["sessions"]
    assert hit["session_id"] == session_id
    marked = "a &lt; b &amp;&amp; &lt;mark&gt;<mark>tapir</mark>&lt;/mark&gt; is &amp;amp;"
    assert marked in hit["snippet"]
    spa = chat.http.get("/api/sessions/search?q=tapir", headers={"X-XO-Wire": "spa"}).json()
    assert "a < b && <mark>tapir</mark> is &amp;" in spa[0]["snippet"]
