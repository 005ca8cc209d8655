"""Brings the files of other programs to what the connectors export.

Before a file is changed the ledger names what will be in it: a server that is killed in between
still knows its own sections.
"""

import logging
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from xo_cowork_core.services.connectors.exports.documents import (
    Document,
    DocumentError,
    PlainValue,
    Values,
)
from xo_cowork_core.services.connectors.exports.export_file import ExportError, ExportFile
from xo_cowork_core.services.connectors.exports.ledger import (
    ExportLedger,
    LedgerEntry,
    SectionKey,
    save_ledger,
)

log = logging.getLogger("xo_cowork.connectors")


class WantedSection(NamedTuple):
    """What a section has to hold, and for which connector of which plugin."""

    connector: str
    plugin: str
    values: Values


class OpenFile(NamedTuple):
    """A file whose content was read and changed, but not written yet."""

    file: ExportFile
    document: Document
    set_keys: Collection[SectionKey]
    removed: Collection[SectionKey]


Wanted = Mapping[SectionKey, WantedSection]


class ExportWriter:
    """Writes the files in one folder. Every method blocks; one call at a time."""

    def __init__(self, folder: Path, ledger: ExportLedger) -> None:
        self._folder = folder
        self._ledger = ledger

    def apply(self, wanted: Wanted, stale: Collection[SectionKey]) -> Mapping[str, str]:
        """Write the wanted sections and remove the stale ones.

        Returns what went wrong, by connector, each a sentence for people.
        """
        problems: dict[str, str] = {}
        opened: list[OpenFile] = []
        for name in sorted({key.file for key in [*wanted, *stale]}):
            own = {key: section for key, section in wanted.items() if key.file == name}
            removed = [key for key in stale if key.file == name]
            try:
                opened.append(self._open(name, own, removed, problems))
            except ExportError as error:
                problems.update(self._blame([*own, *removed], wanted, str(error)))
        try:
            save_ledger(self._ledger)
            for each in opened:
                self._write(each, wanted, problems)
            save_ledger(self._ledger)
        except ExportError as error:
            problems.update(self._blame([*wanted, *stale], wanted, str(error)))
        return problems

    def _open(
        self,
        name: str,
        wanted: Wanted,
        removed: Collection[SectionKey],
        problems: dict[str, str],
    ) -> OpenFile:
        file = ExportFile(self._folder / name)
        try:
            document = file.read()
        except DocumentError as damage:
            log.error("%s is damaged (%s): it is kept as %s", name, damage, file.set_aside())
            document = file.read()
        present = document.sections()
        set_keys: list[SectionKey] = []
        for key, section in wanted.items():
            if not file.is_json and key.section in present and key not in self._ledger.entries:
                problems[section.connector] = (
                    f"{name} has a section [{key.section}] that this server did not write: "
                    "rename it there."
                )
                continue
            self._set(key, section, document, present.get(key.section, {}))
            set_keys.append(key)
        for key in removed:
            document.remove(key.section, self._ledger.entries[key].keys)
        return OpenFile(file, document, set_keys, removed)

    def _set(
        self,
        key: SectionKey,
        section: WantedSection,
        document: Document,
        present: Mapping[str, PlainValue],
    ) -> None:
        entry = self._ledger.entries.get(key)
        former = entry.keys if entry else ()
        replaced = section.values.keys() & present.keys() - set(former)
        if entry is None and any(present[name] != section.values[name] for name in replaced):
            where = key.section or "members"
            log.warning("%s: %s of another program was replaced", key.file, where)
        document.set(key.section, section.values, former)
        keys = tuple(sorted({*former, *section.values}))
        self._ledger.entries[key] = LedgerEntry(section.connector, section.plugin, keys)

    def _write(self, each: OpenFile, wanted: Wanted, problems: dict[str, str]) -> None:
        try:
            each.file.write(each.document)
        except ExportError as error:
            problems.update(self._blame([*each.set_keys, *each.removed], wanted, str(error)))
            return
        for key in each.set_keys:
            keys = tuple(sorted(wanted[key].values))
            self._ledger.entries[key] = self._ledger.entries[key]._replace(keys=keys)
        for key in each.removed:
            del self._ledger.entries[key]

    def _blame(
        self, keys: Collection[SectionKey], wanted: Wanted, problem: str
    ) -> Iterator[tuple[str, str]]:
        for key in keys:
            owner = wanted.get(key) or self._ledger.entries.get(key)
            if owner is not None:
                yield owner.connector, problem
