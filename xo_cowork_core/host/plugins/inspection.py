"""Look at plugins without serving: for `plugins list`, `plugins check`, `openapi`, `--help`."""

import textwrap
from collections.abc import Iterable, Sequence
from typing import TypedDict, cast

from fastapi import FastAPI

from xo_cowork_core.api.dependencies import Services
from xo_cowork_core.host.app import create_app
from xo_cowork_core.host.settings.model import Row, read_settings, table
from xo_cowork_core.host.settings.sources import SettingError
from xo_cowork_core.host.settings.types import KINDS
from xo_cowork_core.services.runtimes.registry import PluginRecord

INTRODUCTION = """\
Usage: xo-cowork serve

Serve until told to stop. Every setting is read from the environment first, then from the TOML
file (under the same name), then its default is taken.
"""


class PluginRow(TypedDict):
    """One line about a plugin."""

    name: str
    state: str
    distribution: str
    version: str
    import_ms: float
    error: str


def inspected_app() -> FastAPI:
    """Build the app that the settings ask for; nothing of it is started."""
    return create_app(read_settings(listens=False))


def records() -> Sequence[PluginRecord]:
    """Return what became of each plugin so far: loaded at best."""
    services = cast("Services", inspected_app().state.services)
    return list(services.registry.plugins.values())


def plugin_rows() -> list[PluginRow]:
    """List the plugins."""
    return [
        PluginRow(
            name=record.name,
            state=record.state,
            distribution=record.distribution,
            version=record.version,
            import_ms=record.import_ms,
            error=record.error,
        )
        for record in records()
    ]


def plugin_table(rows: Sequence[PluginRow]) -> str:
    """Lay the rows out for a terminal."""
    if not rows:
        return "No plugin is installed."
    lines = [
        f"{row['name']:<24} {row['state']:<13} {row['distribution']} {row['version']} "
        f"({row['import_ms']} ms)" + (f"\n    {row['error']}" if row["error"] else "")
        for row in rows
    ]
    return "\n".join(lines)


def settings_help() -> str:
    """Describe every setting: the core's, then those of the plugins that can be loaded."""
    parts = [INTRODUCTION, "Core:", *_described(row for _, row in table())]
    try:
        found = records()
    except SettingError as error:
        return "\n".join([*parts, "", f"Plugins' settings are not listed: {error}"])
    for record in found:
        rows = [Row(s.name, s.kind, s.default, s.help) for s in record.claims.settings]
        if rows:
            parts += ["", f"{record.name}:", *_described(rows)]
    return "\n".join(parts)


def _described(rows: Iterable[Row]) -> list[str]:
    lines: list[str] = []
    for row in rows:
        default = f" [{row.default}]" if row.default else ""
        lines.append(f"  {row.name}{default}")
        text = f"{row.help} Takes {KINDS[row.kind].allowed}." if row.kind in KINDS else row.help
        lines += textwrap.wrap(text, 90, initial_indent="      ", subsequent_indent="      ")
    return lines
