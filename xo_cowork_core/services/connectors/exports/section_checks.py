"""Calls of a connector that exports or imports, and the check of the sections that it names."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from pydantic import SecretStr

from xo_cowork_core.sdk.connector import (
    ExportedConnection,
    ExportsConnections,
    FileSection,
    FileValue,
    ImportedConnection,
    ImportsConnections,
)
from xo_cowork_core.services.connectors.connection_table import CONNECTION_NAME
from xo_cowork_core.services.connectors.exports.documents import PlainValue, Values
from xo_cowork_core.services.runtimes.calls import checked_plain_call
from xo_cowork_core.services.runtimes.plugin_record import PluginError

FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\.(json|conf)")
SERVER_FILES = frozenset({"agents.json", "prices.json", "state.json"})
INI_SECTION = re.compile(r"[^\[\]\x00-\x1f\x7f]{1,128}")
INI_KEY = re.compile(r"[A-Za-z0-9_.-]{1,64}")
MAX_SECTIONS = 256
T = TypeVar("T")


def call_export(
    connector: ExportsConnections, connections: Sequence[ExportedConnection]
) -> Sequence[FileSection]:
    """Return a connector's sections. Raises PluginError. Blocks."""
    sections = checked_plain_call(connector, ExportsConnections.export_connections, connections)
    place = "export_connections()"
    if len(sections) > MAX_SECTIONS:
        raise PluginError(f"{place} returned more than {MAX_SECTIONS} sections")
    keys = [(section.file, section.section) for section in sections]
    for section in sections:
        _check_section(section, place)
        if keys.count((section.file, section.section)) > 1:
            text = f"the section {section.section!r} of {section.file}"
            raise PluginError(f"{place} returned {text} twice")
    return sections


def call_imported_files(connector: ImportsConnections) -> Sequence[str]:
    """Return the files that a connector wants to read. Raises PluginError. Blocks."""
    names = checked_plain_call(connector, ImportsConnections.imported_files)
    for name in names:
        _check_file(name, "imported_files()")
    return names


def call_import(
    connector: ImportsConnections, sections: Sequence[FileSection]
) -> Sequence[ImportedConnection]:
    """Return the connections in sections of files. Raises PluginError. Blocks."""
    imported = checked_plain_call(connector, ImportsConnections.import_connections, sections)
    place = "import_connections()"
    names = [each.connection for each in imported]
    for each in imported:
        if not CONNECTION_NAME.fullmatch(each.connection) or names.count(each.connection) > 1:
            text = f"the connection {each.connection[:64]!r}"
            raise PluginError(f"{place} returned {text}: its name is malformed, or there twice")
    return imported


def plain_values(values: Mapping[str, FileValue]) -> Values:
    """Return the values as they are written, secrets in clear text."""
    return {key: _reveal(value) for key, value in values.items()}


def secret_values(values: Values) -> Mapping[str, FileValue]:
    """Return values that were read, each text as a secret."""
    return {
        key: SecretStr(value) if isinstance(value, str) else value for key, value in values.items()
    }


def _reveal(value: FileValue) -> PlainValue:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    # a plugin may subclass a text or a list
    return value if isinstance(value, str | bool | int | float | None) else [*value]


def _check_file(name: str, place: str) -> None:
    if not FILE_NAME.fullmatch(name) or name in SERVER_FILES:
        text = f"{place}: {name[:64]!r} is no file for it"
        raise PluginError(f"{text}: name a .json or .conf file, without a folder")


def _check_section(section: FileSection, place: str) -> None:
    _check_file(section.file, place)
    if section.file.endswith(".json"):
        return
    name = section.section
    if not INI_SECTION.fullmatch(name) or name != name.strip():
        raise PluginError(f"{place}: {name[:64]!r} can't be the name of an INI section")
    _check_all(section.values, INI_KEY.fullmatch, f"{place}: the key %r can't stand in INI")
    values = plain_values(section.values)
    wrong = [key for key, value in values.items() if not _is_ini_value(value)]
    if wrong:
        text = "must be a text of one line without a space at either end"
        raise PluginError(f"{place}: the value of {wrong[0]} {text}")


def _check_all(keys: Collection[str], is_right: Callable[[str], object], text: str) -> None:
    for key in keys:
        if not is_right(key):
            raise PluginError(text % key[:64])


def _is_ini_value(value: PlainValue) -> bool:
    return isinstance(value, str) and value == value.strip() and value.isprintable()
