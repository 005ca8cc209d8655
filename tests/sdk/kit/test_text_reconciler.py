"""Readers get every character of every passage once, in whatever order the agent sends it."""

from collections.abc import Iterable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xo_cowork_core.sdk import Desync, Event, ReasoningDelta, TextDelta
from xo_cowork_core.sdk.kit import Passage, TextReconciler

KINDS = (TextDelta, ReasoningDelta)
# each passage has letters of its own, so that a reader's text can be split by passage
ALPHABETS = ("ab", "cd", "ef", "gh")


class Reader:
    """Appends deltas and clears its text at a `Desync`, as a frontend does."""

    def __init__(self) -> None:
        self.parts: list[Passage] = []
        self.desyncs = 0

    def take(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, Desync):
                self.parts.clear()
                self.desyncs += 1
            elif isinstance(event, TextDelta | ReasoningDelta):
                self.parts.append(event)

    def text(self, kind: type[Passage] = TextDelta, letters: str = "") -> str:
        text = "".join(part.text for part in self.parts if isinstance(part, kind))
        return "".join(letter for letter in text if not letters or letter in letters)


@st.composite
def cut_texts(draw, alphabet="ab", min_size=0):
    """A text, cut into pieces."""
    return draw(st.lists(st.text(alphabet, max_size=4), min_size=min_size, max_size=6))


@st.composite
def interleavings(draw):
    """Up to four passages as `(kind, pieces, whole)`, and the order in which they are sent: a
    passage's number for each of its pieces, once more for its confirmation."""
    passages, order = [], []
    for number in range(draw(st.integers(1, len(ALPHABETS)))):
        pieces = draw(cut_texts(ALPHABETS[number]))
        true = draw(st.booleans())
        rest = draw(st.text(ALPHABETS[number], max_size=3))
        whole = "".join(pieces) + rest if true else draw(st.text(ALPHABETS[number], max_size=8))
        kind = TextDelta if not true else draw(st.sampled_from(KINDS))
        passages.append((kind, pieces, whole))
        order += [number] * (len(pieces) + 1)
    return passages, draw(st.permutations(order))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(interleavings(), st.integers(1, 4), st.booleans())
def test_every_passage_is_read_whole_and_once(passages_and_order, max_pieces, as_snapshots):
    passages, order = passages_and_order
    texts, reader = TextReconciler(max_pieces=max_pieces), Reader()
    position = [0] * len(passages)
    for number in order:
        kind, pieces, whole = passages[number]
        place, key = position[number], str(number)
        if place == len(pieces):
            reader.take(texts.confirm(kind(whole), key))
        elif as_snapshots:
            reader.take(texts.update(kind("".join(pieces[: place + 1])), key))
        else:
            texts.add(kind(pieces[place]), key)
            reader.take([kind(pieces[place])])
        texts.compact()
        position[number] += 1
    for number, (kind, _, whole) in enumerate(passages):
        assert reader.text(kind, ALPHABETS[number]) == whole


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cut_texts(), st.text("ab", max_size=6), st.integers(1, 4))
def test_a_correct_preview_needs_only_its_missing_end(pieces, rest, max_pieces):
    texts = TextReconciler(max_pieces=max_pieces)
    append = texts.appender(TextDelta)
    for piece in pieces:
        append(piece)
        texts.compact()
    events = texts.confirm(TextDelta("".join(pieces) + rest))
    assert events == ([TextDelta(rest)] if rest else [])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cut_texts(min_size=1).filter(any), st.integers(1, 4))
def test_a_wrong_preview_is_retracted_and_the_complete_text_sent(pieces, max_pieces):
    texts = TextReconciler(max_pieces=max_pieces)
    for piece in pieces:
        texts.add(TextDelta(piece))
        texts.compact()
    truth = "x" + "".join(pieces)[1:]
    events = texts.confirm(TextDelta(truth))
    assert isinstance(events[0], Desync)
    assert events[1:] == [TextDelta(truth)]


def test_confirmed_passages_are_sent_again_after_a_retraction():
    texts = TextReconciler()
    texts.confirm(ReasoningDelta("why"), "1")
    texts.confirm(TextDelta("first "), "2")
    texts.add(TextDelta("draft"), "3")
    assert texts.retract("cut") == [Desync("cut"), ReasoningDelta("why"), TextDelta("first ")]
    assert texts.retract("cut") == []


def test_shortened_reasoning_leaves_what_was_sent():
    texts = TextReconciler()
    texts.add(ReasoningDelta("a long thought"))
    assert texts.confirm(ReasoningDelta("short")) == []
    texts.add(TextDelta("draft"))
    assert texts.retract("cut")[1:] == [ReasoningDelta("a long thought")]


def test_an_older_snapshot_changes_nothing():
    texts = TextReconciler()
    assert texts.update(TextDelta("one two")) == [TextDelta("one two")]
    assert texts.update(TextDelta("one")) == []
    assert texts.update(TextDelta("one two three")) == [TextDelta(" three")]


def test_a_replaced_snapshot_takes_the_place_of_what_was_sent():
    texts = TextReconciler()
    texts.update(TextDelta("draft"))
    assert texts.replace(TextDelta("draft")) == []
    assert texts.replace(TextDelta("new"), reason="again") == [Desync("again"), TextDelta("new")]
    texts.confirm_preview()
    assert texts.last_text == "new"
    assert not texts.has_preview()


def test_a_very_long_turn_is_not_kept_for_a_retraction():
    texts = TextReconciler(keep_characters=100)
    texts.confirm(TextDelta("x" * 100))
    texts.confirm(TextDelta("y"))
    assert texts.has_text
    assert not texts.last_text
    texts.add(TextDelta("draft"))
    assert [type(event) for event in texts.retract("cut")] == [Desync]


def test_reasoning_and_empty_deltas_are_no_text():
    texts = TextReconciler()
    texts.add(ReasoningDelta("hm"), "1")
    texts.add(TextDelta(""), "2")
    assert not texts.has_text
    texts.add(TextDelta("word"), "2")
    assert texts.has_text
