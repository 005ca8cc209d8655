"""What a person pastes: an address with an answer, or a bare code."""

import pytest

from xo_cowork_core.services.auth_flows.paste import MAX_CHARACTERS, RedirectAnswer, parse_paste
from xo_cowork_core.services.connectors.errors import CodeMissing

ADDRESS = "https://acme.test/callback?code=a%2Fb&state=s&iss=i"
ANSWER = RedirectAnswer("a/b", "s", "", "i")


@pytest.mark.parametrize("text", [ADDRESS, f" {ADDRESS[:30]}\n{ADDRESS[30:]} ", "?" + ADDRESS[27:]])
def test_an_address_is_read_also_with_line_breaks_or_in_part(text: str) -> None:
    assert parse_paste(text) == ANSWER


def test_a_text_of_any_length_but_one_too_long_is_read() -> None:
    longest = "?code=" + "c" * (MAX_CHARACTERS - 6)
    assert parse_paste(longest).code == longest[6:]
    with pytest.raises(CodeMissing, match="whole address"):
        parse_paste(longest + "c")


@pytest.mark.parametrize("text", ["", " \n", "https://acme.test/callback", "no códe"])
def test_a_text_without_a_code_is_refused(text: str) -> None:
    with pytest.raises(CodeMissing):
        parse_paste(text)
