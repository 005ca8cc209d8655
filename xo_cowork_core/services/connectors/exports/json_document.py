"""A JSON object whose members are changed one by one; the values of the others keep their bytes."""

import json
import re
from collections.abc import Collection, Mapping
from typing import cast

from xo_cowork_core.services.connectors.exports.documents import (
    DocumentError,
    PlainValue,
    Values,
)

SPACE = re.compile(r"[ \t\r\n]*")
DECODER = json.JSONDecoder()


class JsonMembers:
    """The members of an object, each with the text of its value."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._members = _split_members(text)
        self._is_changed = False

    def __len__(self) -> int:
        return len(self._members)

    def values(self) -> Mapping[str, object]:
        """Return the decoded values."""
        return {key: json.loads(text) for key, text in self._members.items()}

    def value_text(self, key: str) -> str:
        """Return the text of a value; that of an empty object where there is none."""
        return self._members.get(key, "{}")

    def set(self, key: str, text: str) -> None:
        """Set the text of a value, unless it has the same value."""
        old = self._members.get(key)
        if old is None or json.loads(old) != json.loads(text):
            self._members[key] = text
            self._is_changed = True

    def update(self, values: Values, former: Collection[str]) -> None:
        """Set values, and remove those of `former` that there are no more."""
        self.remove(set(former) - values.keys())
        for key, value in values.items():
            self.set(key, json.dumps(value))

    def remove(self, keys: Collection[str]) -> None:
        """Remove members."""
        for key in keys:
            if self._members.pop(key, None) is not None:
                self._is_changed = True

    def text(self, indent: str = "") -> str:
        """Return the object: unchanged as it was, else a line for each member."""
        if not self._is_changed:
            return self._text
        if not self._members:
            return "{}"
        lines = [f"{indent}  {json.dumps(key)}: {text}" for key, text in self._members.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"


class JsonDocument:
    """A file with an object of sections; the section "" is its own members."""

    def __init__(self, text: str) -> None:
        self._members = JsonMembers(text if text.strip() else "{}")

    @property
    def is_empty(self) -> bool:
        """Whether there is no member."""
        return not len(self._members)

    def sections(self) -> Mapping[str, Values]:
        """Return the values that are scalars or lists of texts, by section."""
        members = self._members.values()
        objects = {key: _as_object(value) for key, value in members.items()}
        own = {key: value for key, value in members.items() if objects[key] is None}
        sections = {key: value for key, value in objects.items() if value is not None}
        return {name: _plain(values) for name, values in {"": own, **sections}.items()}

    def set(self, section: str, values: Values, former: Collection[str]) -> None:
        """Set values of a section, and remove those of `former` that it no longer has."""
        if not section:
            self._members.update(values, former)
            return
        old = self._members.value_text(section)
        members = JsonMembers(old if _as_object(json.loads(old)) is not None else "{}")
        members.update(values, former)
        self._members.set(section, members.text("  "))

    def remove(self, section: str, keys: Collection[str]) -> None:
        """Remove a section; of the file's own members only `keys`."""
        self._members.remove([section] if section else keys)

    def text(self) -> str:
        """Return the text."""
        return self._members.text().rstrip("\n") + "\n"


def _split_members(text: str) -> dict[str, str]:
    try:
        if not isinstance(json.loads(text), dict):
            raise DocumentError("it is not a JSON object")
    except (ValueError, RecursionError):
        raise DocumentError("it is not valid JSON") from None
    members: dict[str, str] = {}
    place = _skip_space(text, text.index("{") + 1)
    while text[place] != "}":
        key, end = DECODER.raw_decode(text, place)
        start = _skip_space(text, _skip_space(text, end) + 1)
        _, end = DECODER.raw_decode(text, start)
        members[key] = text[start:end]
        place = _skip_space(text, end)
        if text[place] == ",":
            place = _skip_space(text, place + 1)
    return members


def _skip_space(text: str, place: int) -> int:
    match = SPACE.match(text, place)
    assert match is not None
    return match.end()


def _as_object(value: object) -> Mapping[str, object] | None:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else None


def _plain(values: Mapping[str, object]) -> Values:
    return {key: cast("PlainValue", value) for key, value in values.items() if _is_plain(value)}


def _is_plain(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str) for item in cast("list[object]", value))
    return value is None or isinstance(value, str | bool | int | float)
