"""What this server wrote into the files of other programs, so that it can take it out again.

Also names the connectors that were once connected: their old files are not read again.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, cast

from xo_cowork_core.services.connectors.exports.export_file import ExportError
from xo_cowork_core.storage.json_file import JsonFile, JsonObject
from xo_cowork_core.storage.state_folder import StateFolderError

VERSION = 1
log = logging.getLogger("xo_cowork.connectors")


class LedgerEntry(NamedTuple):
    """Which connector of which plugin wrote a section, and which values."""

    connector: str
    plugin: str
    keys: tuple[str, ...]


class SectionKey(NamedTuple):
    """A section of a file."""

    file: str
    section: str


class ExportLedger:
    """A private file, read once. Every method but the properties blocks; one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._file = JsonFile(path, version=VERSION)
        self._saved: JsonObject | None = None
        self.entries: dict[SectionKey, LedgerEntry] = {}
        self.known_connectors: set[str] = set()

    def load(self) -> str:
        """Read the file at the first call. Returns what was wrong with a damaged one.

        Raises OSError and StateFolderError.
        """
        if self._saved is not None:
            return ""
        content = self._file.read()
        problem = content.problem
        value = content.value
        if value and not self._take(value):
            problem = self._file.set_aside("it has another shape").problem
        self._saved = self._value()
        return problem

    def save(self) -> None:
        """Write what has changed. Raises OSError; then the file is as it was."""
        value = self._value()
        if value != self._saved:
            self._file.write(value)
            self._saved = value

    def _value(self) -> JsonObject:
        sections = [
            {"file": key.file, "section": key.section, **entry._asdict(), "keys": [*entry.keys]}
            for key, entry in sorted(self.entries.items())
        ]
        known = sorted(self.known_connectors)
        return {"version": VERSION, "sections": sections, "known_connectors": known}

    def _take(self, value: Mapping[str, object]) -> bool:
        try:
            rows = cast("list[dict[str, object]]", value["sections"])
            entries = {_key(row): _entry(row) for row in rows}
            known = {_text(name) for name in cast("list[object]", value["known_connectors"])}
        except (KeyError, TypeError):
            return False
        self.entries = entries
        self.known_connectors = known
        return True


def load_ledger(ledger: ExportLedger) -> None:
    """Read a ledger, if that was not done yet. Raises ExportError. Blocks."""
    try:
        problem = ledger.load()
    except OSError as error:
        raise ExportError(f"The list of exports can't be read: {_reason(error)}.") from None
    except StateFolderError as error:
        raise ExportError(str(error)) from None
    if problem:
        log.error("the list of exports is lost (%s): old sections stay in their files", problem)


def save_ledger(ledger: ExportLedger) -> None:
    """Write what has changed of a ledger. Raises ExportError. Blocks."""
    try:
        ledger.save()
    except OSError as error:
        raise ExportError(f"The list of exports can't be written: {_reason(error)}.") from None


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _key(row: Mapping[str, object]) -> SectionKey:
    return SectionKey(_text(row["file"]), _text(row["section"]))


def _entry(row: Mapping[str, object]) -> LedgerEntry:
    keys = tuple(_text(key) for key in cast("list[object]", row["keys"]))
    return LedgerEntry(_text(row["connector"]), _text(row["plugin"]), keys)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
