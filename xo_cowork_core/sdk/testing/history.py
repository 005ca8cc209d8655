"""Reads the bodies of messages for assertions."""

from collections.abc import Iterable

from xo_cowork_core.sdk.testing.frames import Body


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
