"""Extracts texts, tools and parts from messages and turns, to compare in assertions."""

from collections.abc import Iterable

from xo_cowork_core.sdk.testing.frames import Body
from xo_cowork_core.sdk.testing.recording import Recording

ContentPiece = tuple[str, ...]
DELTAS = {"text-delta": "text", "reasoning-delta": "reasoning"}


def texts(messages: Iterable[Body], role: str) -> list[str]:
    """Return the texts of one role's messages without the empty ones."""
    role_texts = [str(message["text"]) for message in messages if message["role"] == role]
    return [text for text in role_texts if text]


def tools_of(messages: Iterable[Body]) -> dict[str, Body]:
    """Return the state of every tool part by its call id."""
    states: dict[str, Body] = {}
    for part in parts_of(messages, "tool"):
        state = part["state"]
        assert isinstance(state, dict)
        states[str(part["call_id"])] = state
    return states


def parts_of(messages: Iterable[Body], kind: str) -> list[Body]:
    """Return the data of every part of a kind (`text`, `tool`, `reasoning`, …)."""
    matches: list[Body] = []
    for message in messages:
        parts = message["parts"]
        assert isinstance(parts, list)
        for part in parts:
            assert isinstance(part, dict)
            data = part["data"]
            assert isinstance(data, dict)
            if data.get("type") == kind:
                matches.append(data)
    return matches


def turn_pieces(turn: Recording) -> list[ContentPiece]:
    """Return the content of a turn's events in order: texts, reasoning, tools with their output.

    A piece is `("text", text)`, `("reasoning", text)` or `("tool", name, status, output)`.
    """
    pieces: list[ContentPiece] = []
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


def message_pieces(message: Body) -> list[ContentPiece]:
    """Return the content of a message as `turn_pieces` does for a turn."""
    pieces: list[ContentPiece] = []
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


def _append(pieces: list[ContentPiece], kind: str, text: str) -> None:
    if pieces and pieces[-1][0] == kind:
        text = f"{pieces.pop()[1]}{text}"
    pieces.append((kind, text))


def _stripped(pieces: Iterable[ContentPiece]) -> list[ContentPiece]:
    # blanks between two texts carry no content: a client draws the gap between paragraphs
    return [(piece[0], *(word.strip() for word in piece[1:])) for piece in pieces]
