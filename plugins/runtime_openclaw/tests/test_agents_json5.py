"""JSON5 read, and changed in place."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xo_runtime_openclaw.config.json5 import Json5Error, parse, plain
from xo_runtime_openclaw.config.json5_edit import Drop, Edit, Put, apply, replayed

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


def meaning(text: str) -> Any:
    return plain(parse(text))


def test_comments_trailing_commas_and_odd_spellings_are_read():
    assert meaning("\ufeff" + WRITTEN) == {
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
def test_what_is_no_json5_is_refused_with_its_line(text: str):
    with pytest.raises(Json5Error, match="line 1"):
        parse(text)


def test_of_equal_keys_the_last_counts_and_all_are_dropped():
    text = '{"a": 1, "a": 2}'
    assert meaning(apply(text, [Put(("a",), 3)])) == {"a": 3}
    assert meaning(apply(text, [Drop(("a",))])) == {}


def test_a_change_leaves_every_other_line_as_it_was():
    edits: list[Edit] = [
        Put(("agents", "entries", "research", "name"), "New"),
        Put(("agents", "entries", "research", "model"), "a/b"),
        Put(("agents", "entries", "third"), {"name": "T", "skills": []}),
        Put(("talk", "agentId"), "main"),
        Drop(("agents", "entries", "main")),
        Drop(("odd", 0)),
    ]
    changed = apply(WRITTEN, edits)
    assert meaning(changed) == replayed(meaning(WRITTEN), edits)
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
        ("{}", [Put(("a", "b"), 1)], '{\n  "a": {\n    "b": 1\n  }\n}'),
        ("{ // x\n}", [Put(("a",), 1)], '{ // x\n  "a": 1\n}'),
        ("{a: 1}", [Put(("b",), 2)], '{a: 1, "b": 2}'),
        ("{a: 1,}", [Put(("b",), 2)], '{a: 1, "b": 2}'),
        ("{a: 1 // x, y\n}", [Put(("b",), 2)], '{a: 1, "b": 2\n // x, y\n}'),
        ("{\n\ta: 1, // x\n}", [Put(("b",), 2)], '{\n\ta: 1, // x\n\t"b": 2,\n}'),
        ("{\n  a: 1\n  // x\n}", [Put(("b",), 2)], '{\n  a: 1,\n  // x\n  "b": 2\n}'),
        ("[]", [Put((0,), 1), Put((1,), 2)], "[\n  1,\n  2\n]"),
        ("[1, 2]", [Drop((1,))], "[1]"),
        ("{\n  a: 1, // x\n  b: 2,\n}", [Drop(("a",))], "{\n  b: 2,\n}"),
        ("{\n  a: 1,\n  b: 2 // y\n}", [Drop(("b",))], "{\n  a: 1\n}"),
        ("{a: 1 /* , */, b: 2}", [Drop(("b",))], "{a: 1 /* , */}"),
    ],
)
def test_layout_follows_the_neighbours(text: str, edits: list[Edit], wanted: str):
    assert apply(text, edits) == wanted


keys = st.sampled_from(["a", "b", "c d", "é", "x-y"])
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.sampled_from(["", "//", "/*", ",}", "\u2028"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
puts = st.builds(Put, st.lists(keys, min_size=1, max_size=3).map(tuple), values)
drops = st.builds(Drop, st.lists(keys, min_size=1, max_size=3).map(tuple))
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
def test_any_change_of_any_text_means_what_it_should(text: str, edits: list[Edit]):
    before = meaning(text)
    try:
        after = meaning(apply(text, edits))
    except Json5Error as error:
        assert "an object is expected" in str(error)
        return
    assert after == replayed(before, edits)
