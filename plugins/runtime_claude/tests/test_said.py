"""What readers were sent: long previews are folded, and the truth is told apart all the same."""

from hypothesis import given, settings
from hypothesis import strategies as st

from xo_cowork_core.sdk import Desync, TextDelta
from xo_runtime_claude import text_reconciler as said_module
from xo_runtime_claude.text_reconciler import TextReconciler

pieces = st.lists(st.text(max_size=6), max_size=30)


def previewed(parts: list[str], fold_at: int) -> TextReconciler:
    said = TextReconciler()
    for number, part in enumerate(parts):
        said.text.append(part)
        if number % fold_at == 0:
            said.fold()
    return said


@settings(deadline=None)
@given(pieces, st.text(max_size=20), st.integers(1, 5))
def test_what_is_missing_after_a_true_preview_is_its_rest(parts, rest, fold_at):
    before, said_module.FOLD_PIECES = said_module.FOLD_PIECES, 2
    try:
        said = previewed(parts, fold_at)
        events = said.confirm_text("".join(parts) + rest)
    finally:
        said_module.FOLD_PIECES = before
    assert [event.text for event in events] == ([rest] if rest else [])


@settings(deadline=None)
@given(pieces.filter(any), st.integers(1, 5))
def test_a_false_preview_is_taken_back_and_the_truth_sent(parts, fold_at):
    before, said_module.FOLD_PIECES = said_module.FOLD_PIECES, 2
    try:
        said = previewed(parts, fold_at)
        truth = "\x00" + "".join(parts)[1:]
        if truth == "".join(parts):
            return
        events = said.confirm_text(truth)
    finally:
        said_module.FOLD_PIECES = before
    assert isinstance(events[0], Desync)
    assert events[1:] == [TextDelta(truth)]


def test_a_very_long_turn_is_not_kept_for_a_repeat(monkeypatch):
    monkeypatch.setattr(said_module, "KEEP_CHARACTERS", 100)
    said = TextReconciler()
    said.confirm_text("x" * 101)
    assert not said.empty
    said.text.append("draft")
    assert [type(event) for event in said.retract("cut")] == [Desync]
