"""Streams and session files that the real CLI wrote, and what to do with them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from xo_cowork_core.sdk import Desync, TextDelta
from xo_runtime_claude.run.translator import Item, Translator
from xo_runtime_claude.usage import UsageMeter

FIXTURES = Path(__file__).parent / "fixtures"
Replay = Callable[[str], list[list[Item]]]


@pytest.fixture
def replay() -> Replay:
    """Translate a recorded stream; one list of items for each turn of it."""

    def run(name: str) -> list[list[Item]]:
        lines = iter((FIXTURES / "streams" / f"{name}.jsonl").read_bytes().split(b"\n"))
        meter, turns = UsageMeter(), []
        while items := list(Translator("none", meter).items(lines)):
            turns.append(items)
        return turns

    return run


@pytest.fixture(scope="session")
def text_of() -> Callable[[Sequence[Item]], str]:
    """Join what a reader has in the end: the deltas after the last `Desync`."""

    def join(items: Sequence[Item]) -> str:
        pieces: list[str] = []
        for item in items:
            if isinstance(item, Desync):
                pieces.clear()
            elif isinstance(item, TextDelta):
                pieces.append(item.text)
        return "".join(pieces)

    return join
