"""Values of secrets in texts, few and many."""

import re

from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from xo_cowork_core.services.secrets.redaction import (
    MAX_VALUES,
    MIN_CHARACTERS,
    REPLACEMENT,
    SecretRedactor,
)

# few letters, so that values begin alike, overlap and contain each other
VALUES = st.lists(st.text("ab", min_size=MIN_CHARACTERS, max_size=MIN_CHARACTERS + 4), max_size=6)


def redactor_of(*values: str) -> SecretRedactor:
    redactor = SecretRedactor()
    redactor.add(map(SecretStr, values))
    return redactor


@given(VALUES, st.text("ab ", max_size=80))
def test_a_text_is_redacted_as_by_a_regular_expression(values: list[str], text: str) -> None:
    ordered = sorted(values, key=len, reverse=True)
    expected = re.sub("|".join(map(re.escape, ordered)), REPLACEMENT, text) if values else text
    assert redactor_of(*values).redact(text) == expected


def test_the_longer_of_two_values_is_replaced_in_whole() -> None:
    for values in (("abcdefgh", "abcdefgh-more"), ("abcdefgh-more", "abcdefgh")):
        redacted = redactor_of(*values).redact("x abcdefgh-more abcdefgh y")
        assert redacted == f"x {REPLACEMENT} {REPLACEMENT} y"


def test_a_short_value_hides_no_word() -> None:
    redactor = redactor_of("seven77", "eight888")
    assert redactor.redact("seven77 eight888") == f"seven77 {REPLACEMENT}"


def test_the_oldest_of_too_many_values_is_forgotten() -> None:
    values = [f"shared--{number}" for number in range(MAX_VALUES + 1)]
    redactor = redactor_of(*values)
    assert redactor.redact(values[1]) == redactor.redact(values[-1]) == REPLACEMENT
    assert REPLACEMENT not in redactor.redact("of none: shared--")
    # `shared--0` is forgotten; the value that begins with it, `shared--00`, was never there
    assert redactor.redact(values[0]) == values[0]


def test_a_value_that_is_added_twice_is_kept_once() -> None:
    redactor = redactor_of("same-value", "same-value")
    redactor.add([SecretStr("same-value")])
    redactor.add(SecretStr(f"other-{number:06}") for number in range(MAX_VALUES))
    assert redactor.redact("same-value") == "same-value"
    assert redactor.redact("other-000000") == REPLACEMENT
