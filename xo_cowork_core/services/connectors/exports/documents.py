"""The content of a file with sections, while it is changed: JSON, or INI as rclone writes it.

What does not belong to a changed section keeps its bytes.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

PlainValue: TypeAlias = str | bool | int | float | Sequence[str] | None
Values: TypeAlias = Mapping[str, PlainValue]
LINE = re.compile(r"[^\n]*\n|[^\n]+")
HEADER = re.compile(r"\[(.*)\]")
COMMENT_SIGNS = ("#", ";")
ENCRYPTION_MARK = "RCLONE_ENCRYPT_V0:"


class DocumentError(Exception):
    """A text is not of its format; the text is one sentence that quotes nothing of it."""


class EncryptedError(Exception):
    """A file is encrypted with a password, so it can be neither read nor changed."""


class Document(Protocol):
    """The content of a file."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left that has a meaning to anybody."""
        ...

    def sections(self) -> Mapping[str, Values]:
        """Return the values of all sections."""
        ...

    def set(self, section: str, values: Values, former: Collection[str]) -> None:
        """Set values of a section, and remove those of `former` that it no longer has."""
        ...

    def remove(self, section: str, keys: Collection[str]) -> None:
        """Remove a section; `keys` are the values that this server wrote there."""
        ...

    def text(self) -> str:
        """Return the text."""
        ...


@dataclass(slots=True)
class IniBlock:
    """A section with its header line, or, without a name, the lines before the first one."""

    name: str | None = None
    lines: list[str] = field(default_factory=list[str])

    def entries(self) -> Iterator[tuple[int, str, str]]:
        """Yield the index, key and value of each line that has one."""
        for index, line in enumerate(self.lines[1:] if self.name is not None else ()):
            bare = line.strip()
            if bare and not bare.startswith(COMMENT_SIGNS):
                key, value = _split_entry(bare)
                yield index + 1, key, value

    def set(self, values: Mapping[str, str], stale: Collection[str]) -> set[str]:
        """Set values in their lines, delete stale lines; return the keys that were found."""
        present: set[str] = set()
        for index, key, value in reversed(list(self.entries())):
            if key in values:
                present.add(key)
                if value != values[key]:
                    self.lines[index] = _render_entry(key, values[key])
            elif key in stale:
                del self.lines[index]
        return present

    def add(self, values: Mapping[str, str]) -> None:
        """Add lines behind the last value."""
        end = self._end
        if end and not self.lines[end - 1].endswith("\n"):
            self.lines[end - 1] += "\n"
        self.lines[end:end] = [_render_entry(*entry) for entry in values.items()]

    def rest(self) -> list[str]:
        """Return the comments and blank lines behind the last value: of what follows them."""
        return self.lines[self._end :]

    @property
    def _end(self) -> int:
        return max([0, *(index for index, _, _ in self.entries())]) + 1


class IniDocument:
    """A text of sections `[name]` and lines `key = value`."""

    def __init__(self, text: str) -> None:
        if ENCRYPTION_MARK in text:
            raise EncryptedError
        if "\0" in text:
            raise DocumentError("it contains a NUL character")
        self._blocks = [IniBlock()]
        for line in LINE.findall(text):
            if header := HEADER.fullmatch(line.strip()):
                self._blocks.append(IniBlock(header[1]))
            self._blocks[-1].lines.append(line)

    @property
    def is_empty(self) -> bool:
        """Whether only blank lines are left."""
        return not self.text().strip()

    def sections(self) -> Mapping[str, Values]:
        """Return the values of all sections. Of several sections with a name the last counts."""
        sections: dict[str, dict[str, PlainValue]] = {}
        for block in self._blocks:
            if block.name is not None:
                values = sections.setdefault(block.name, {})
                values.update({key: value for _, key, value in block.entries()})
        return sections

    def set(self, section: str, values: Values, former: Collection[str]) -> None:
        """Set values of a section, and remove those of `former` that it no longer has."""
        texts = {key: str(value) for key, value in values.items()}
        own = [block for block in self._blocks if block.name == section]
        if not own:
            own = [self._append(section)]
        present: set[str] = set()
        for block in own:
            present |= block.set(texts, set(former) - texts.keys())
        own[-1].add({key: text for key, text in texts.items() if key not in present})

    def remove(self, section: str, keys: Collection[str]) -> None:
        """Remove a whole section: without its type a remote is of no use."""
        kept: list[IniBlock] = [self._blocks[0]]
        for block in self._blocks[1:]:
            if block.name != section:
                kept.append(block)
                continue
            rest = block.rest()
            before = kept[-1].lines
            if rest and not rest[0].strip():
                del rest[0]
            elif before and not before[-1].strip():
                del before[-1]
            before.extend(rest)
        self._blocks = kept

    def text(self) -> str:
        """Return the text."""
        return "".join(line for block in self._blocks for line in block.lines)

    def _append(self, section: str) -> IniBlock:
        last = self._blocks[-1].lines
        if last:
            last[-1] = last[-1].removesuffix("\n") + "\n"
            last.append("\n")
        block = IniBlock(section, [f"[{section}]\n"])
        self._blocks.append(block)
        return block


def _split_entry(line: str) -> tuple[str, str]:
    match = re.search("[=:]", line)
    if match is None:
        return line, ""
    return line[: match.start()].rstrip(), line[match.end() :].lstrip()


def _render_entry(key: str, value: str) -> str:
    return f"{key} = {value}\n"
