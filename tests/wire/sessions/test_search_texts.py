"""What may be looked for: texts of any length, as people paste them."""

import pytest

from xo_cowork_core.sdk.testing import Chat, LiveServer


def search(server: LiveServer, text: str) -> list[str]:
    answer = server.client.get("/api/sessions/search", params={"q": text})
    assert answer.status_code == 200, answer.text
    return [row["session_id"] for row in answer.json()["sessions"]]


@pytest.mark.parametrize("words", [1, 63, 64, 65, 1500])
def test_a_pasted_text_finds_the_session_that_contains_it(chat: Chat, words: int) -> None:
    text = " ".join(f"Wort{number}" for number in range(words))
    session_id = chat.run_turn(f"echo {text} end{words}").session_id
    assert session_id in search(chat.server, text)
    assert session_id in search(chat.server, f"{text} {text}")


@pytest.mark.parametrize("letter", ["x", "%", "ß", " _ "])
def test_a_text_without_blanks_is_searched(chat: Chat, letter: str) -> None:
    assert search(chat.server, letter * (60_000 // len(letter.encode()) // 3)) == []


def test_a_word_that_is_too_long_is_searched_by_its_beginning(chat: Chat) -> None:
    session_id = chat.run_turn(f"echo {'q' * 9000}").session_id
    assert search(chat.server, "q" * 8000) == [session_id]
