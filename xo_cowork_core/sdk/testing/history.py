"""Reads the bodies of messages for assertions."""

from collections.abc import Iterable

from xo_cowork_core.sdk.testing.frames import Body
from xo_cowork_core.sdk.testing.recording import Recording

Piece = tuple[str, ...]
DELTAS = {"text-delta": "text", "reasoning-delta": "reasoning"}


def texts(messages: Iterable[Body], role: str) -> list[str]:
    """Return the texts of one role's messages, empty ones left out."""
    found = [str(message["text"]) for message in messages if message["role"] == role]
    return [text for text in found if text]


def tools_of(messages: Iterable[Body]) -> dict[str, Body]:
    """Return the state of every tool part by its call id."""
    found: dict[str, Body] = {}
    for part in parts_of(messages, "tool"):
        state = part["state"]
        assert isinstance(state, dict)
        found[str(part["call_id"])] = state
    return found


def parts_of(messages: Iterable[Body], kind: str) -> list[Body]:
    """Return the data of every part of a kind (`text`, `tool`, `reasoning`, …)."""
    found: list[Body] = []
    for message in messages:
        parts = message["parts"]
        assert isinstance(parts, list)
        for part in parts:
            assert isinstance(part, dict)
            data = part["data"]
            assert isinstance(data, dict)
            if data.get("type") == kind:
                found.append(data)
    return found


def told(turn: Recording) -> list[Piece]:
    """Return what a turn's readers got, in order: texts, thinking, tools with what they said."""
    pieces: list[Piece] = []
    ends = {
        str(frame.data["call_id"]): (frame.event, str(frame.data["output"]))
        for frame in turn.frames
        if frame.event in {"tool-result", "tool-error"}
    }
    for frame in turn.frames:
        if kind := DELTAS.get(frame.event):
            _append(pieces, kind, str(frame.data["text"]))
        elif frame.event == "tool-call":
            event, output = ends[str(frame.data["call_id"])]
            status = "completed" if event == "tool-result" else "error"
            pieces.append(("tool", str(frame.data["tool"]), status, output.strip()))
    return _stripped(pieces)


def kept(message: Body) -> list[Piece]:
    """Return the same of a message."""
    pieces: list[Piece] = []
    parts = message["parts"]
    assert isinstance(parts, list)
    for part in parts:
        assert isinstance(part, dict)
        data = part["data"]
        assert isinstance(data, dict)
        state = data.get("state")
        if data["type"] in DELTAS.values():
            _append(pieces, str(data["type"]), str(data["text"]))
        elif isinstance(state, dict):
            output = str(state["output"]).strip()
            pieces.append(("tool", str(data["tool"]), str(state["status"]), output))
    return _stripped(pieces)


def _append(pieces: list[Piece], kind: str, text: str) -> None:
    if pieces and pieces[-1][0] == kind:
        text = f"{pieces.pop()[1]}{text}"
    pieces.append((kind, text))


def _stripped(pieces: Iterable[Piece]) -> list[Piece]:
    # what is between two paragraphs is the frontend's to draw
    return [(piece[0], *(word.strip() for word in piece[1:])) for piece in pieces]
