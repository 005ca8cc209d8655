"""JSON5 is read with a library, and edited in place."""

import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from xo_cowork_core.sdk import JsonValue
from xo_runtime_openclaw.config.json5_edit import (
    Edit,
    RemoveValue,
    SetValue,
    apply_to_text,
    apply_to_value,
)
from xo_runtime_openclaw.json5_reader import Json5Error, read_json5

WRITTEN = """\
// how we run it, a comma here
{
  gateway: { mode: 'local', port: 0x4965, }, // plain, and short
  /* agents,
     of all kinds */
  "agents": {
    entries: {
      main: { name: "Ma\\
in" }, // the first
      // the second's comment
      research: {
        name: 'R\\x65search', // its name, by hand
        skills: ["a", 'b',],
      },
    },
  },
  odd: [+1, -.5, 1e3, Infinity, null, true, 0.10],
}
"""


def test_comments_trailing_commas_and_odd_spellings_are_read():
    assert read_json5("\ufeff" + WRITTEN) == {
        "gateway": {"mode": "local", "port": 18789},
        "agents": {
            "entries": {
                "main": {"name": "Main"},
                "research": {"name": "Research", "skills": ["a", "b"]},
            }
        },
        "odd": [1, -0.5, 1000.0, float("inf"), None, True, 0.1],
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{a}",
        "{a:}",
        "{a:1 b:2}",
        "{a:1}}",
        "[1,,2]",
        "'a",
        "{'a\n':1}",
        "tru",
        "/* x",
        "01",
        "[" * 500,
    ],
)
def test_text_that_is_not_json5_is_refused_with_its_line(text: str):
    with pytest.raises(Json5Error, match="line 1"):
        read_json5(text)


def test_an_error_quotes_nothing_of_the_text():
    with pytest.raises(Json5Error) as caught:
        read_json5('{\n  token: "planted",\n  a b\n}')
    assert str(caught.value) == "line 3: not valid JSON5"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_of_equal_keys_the_last_counts_and_all_are_dropped():
    text = '{"a": 1, "a": 2}'
    assert read_json5(apply_to_text(text, [SetValue(("a",), 3)])) == {"a": 3}
    assert read_json5(apply_to_text(text, [RemoveValue(("a",))])) == {}


def test_a_change_leaves_every_other_line_as_it_was():
    edits: list[Edit] = [
        SetValue(("agents", "entries", "research", "name"), "New"),
        SetValue(("agents", "entries", "research", "model"), "a/b"),
        SetValue(("agents", "entries", "third"), {"name": "T", "skills": []}),
        SetValue(("talk", "agentId"), "main"),
        RemoveValue(("agents", "entries", "main")),
        RemoveValue(("odd", 0)),
    ]
    changed = apply_to_text(WRITTEN, edits)
    assert read_json5(changed) == apply_to_value(read_json5(WRITTEN), edits)
    kept = [
        "// how we run it, a comma here",
        "  gateway: { mode: 'local', port: 0x4965, }, // plain, and short",
        "     of all kinds */",
        "      // the second's comment",
        '        name: "New", // its name, by hand',
        "        skills: [\"a\", 'b',],",
    ]
    assert [line for line in kept if line not in changed.splitlines()] == []


@pytest.mark.parametrize(
    ("text", "edits", "wanted"),
    [
        ("{}", [SetValue(("a", "b"), 1)], '{\n  "a": {\n    "b": 1\n  }\n}'),
        ("{ // x\n}", [SetValue(("a",), 1)], '{ // x\n  "a": 1\n}'),
        ("{a: 1}", [SetValue(("b",), 2)], '{a: 1, "b": 2}'),
        ("{a: 1,}", [SetValue(("b",), 2)], '{a: 1, "b": 2}'),
        ("{a: 1 // x, y\n}", [SetValue(("b",), 2)], '{a: 1, "b": 2\n // x, y\n}'),
        ("{\n\ta: 1, // x\n}", [SetValue(("b",), 2)], '{\n\ta: 1, // x\n\t"b": 2,\n}'),
        ("{\n  a: 1\n  // x\n}", [SetValue(("b",), 2)], '{\n  a: 1,\n  // x\n  "b": 2\n}'),
        ("[]", [SetValue((0,), 1), SetValue((1,), 2)], "[\n  1,\n  2\n]"),
        ("[1, 2]", [RemoveValue((1,))], "[1]"),
        ("{\n  a: 1, // x\n  b: 2,\n}", [RemoveValue(("a",))], "{\n  b: 2,\n}"),
        ("{\n  a: 1,\n  b: 2 // y\n}", [RemoveValue(("b",))], "{\n  a: 1\n}"),
        ("{a: 1 /* , */, b: 2}", [RemoveValue(("b",))], "{a: 1 /* , */}"),
    ],
)
def test_layout_follows_the_neighbours(text: str, edits: list[Edit], wanted: str):
    assert apply_to_text(text, edits) == wanted


keys = st.sampled_from(["a", "b", "c d", "é", "x-y"])
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.sampled_from(["", "//", "/*", ",}", "\u2028"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
puts = st.builds(SetValue, st.lists(keys, min_size=1, max_size=3).map(tuple), values)
drops = st.builds(RemoveValue, st.lists(keys, min_size=1, max_size=3).map(tuple))
noise = st.sampled_from(["", " ", "\n", " // a, b: {\n", "/* , } */", "\t\n  "])


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A document with comments and line ends strewn between its tokens."""
    value = draw(st.dictionaries(keys, values, max_size=4))
    spread = json.dumps(value, ensure_ascii=False, indent=draw(st.sampled_from([None, 2])))
    out, quoted, last = "", False, ""
    for sign in spread:
        quoted ^= sign == '"'
        between = not quoted and sign in ",:[]{}"
        if between and sign in "]}" and last not in "[{,":
            out += draw(st.sampled_from(["", ","]))
        out += draw(noise) + sign + draw(noise) if between else sign
        last = last if sign.isspace() else sign
    return out


@settings(deadline=None)
@given(texts(), st.lists(puts | drops, min_size=1, max_size=4))
def test_the_library_reads_what_any_edit_means(text: str, edits: list[Edit]):
    before = read_json5(text)
    try:
        after = read_json5(apply_to_text(text, edits))
    except Json5Error as error:
        assert "an object is expected" in str(error)
        return
    assert after == apply_to_value(before, edits)


@settings(deadline=None)
@given(texts(), values)
def test_a_new_member_leaves_all_other_characters_in_place(text: str, value: JsonValue):
    changed = apply_to_text(text, [SetValue(("new",), value)])
    remaining = iter(changed)
    assert all(char in remaining for char in text if not char.isspace())
    assert read_json5(changed) == {**_object(text), "new": value}


@settings(deadline=None)
@given(texts(), values, st.data())
def test_a_replaced_value_leaves_all_other_characters_in_place(
    text: str, value: JsonValue, data: st.DataObject
):
    stored = _object(text)
    assume(stored)
    key = data.draw(st.sampled_from(sorted(stored)))
    changed = apply_to_text(text, [SetValue((key,), value)])
    # the same edit with two values that share no character shows where the value is
    zero, one = (apply_to_text(text, [SetValue((key,), mark)]) for mark in (0, 1))
    start = next(n for n, pair in enumerate(zip(zero, one, strict=True)) if pair[0] != pair[1])
    before, after = zero[:start], zero[start + 1 :]
    assert text.startswith(before) and text.endswith(after)
    assert changed.startswith(before) and changed.endswith(after)
    replaced = text[len(before) : len(text) - len(after)]
    assert replaced.strip() == replaced and not replaced.endswith("*/")
    assert read_json5(replaced) == stored[key]
    assert read_json5(changed) == {**stored, key: value}


@settings(deadline=None)
@given(texts(), st.data())
def test_a_removed_member_adds_no_character(text: str, data: st.DataObject):
    stored = _object(text)
    assume(stored)
    key = data.draw(st.sampled_from(sorted(stored)))
    changed = apply_to_text(text, [RemoveValue((key,))])
    remaining = iter(text)
    assert all(char in remaining for char in changed)
    assert read_json5(changed) == {name: part for name, part in stored.items() if name != key}


def _object(text: str) -> dict[str, JsonValue]:
    value = read_json5(text)
    assert isinstance(value, dict)
    return value
