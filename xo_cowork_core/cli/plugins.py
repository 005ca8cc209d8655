"""`xo-cowork plugins list` and `xo-cowork plugins check`."""

import logging
from collections.abc import Sequence
from typing import TypedDict

from xo_cowork_core.cli.output import print_json, print_line
from xo_cowork_core.services.runtimes.plugin_record import PluginRecord

BROKEN_STATES = frozenset({"failed", "missing", "incompatible"})


class PluginRow(TypedDict):
    """One plugin in `plugins list --json`."""

    name: str
    state: str
    distribution: str
    version: str
    import_ms: float
    error: str


def plugins_list_command(json: bool = False) -> None:
    """List every plugin with its state."""
    logging.disable()
    rows = _load_rows()
    if json:
        print_json(rows)
    else:
        print_line(_format_table(rows))


def plugins_check_command() -> None:
    """Exit 1 when an enabled plugin can't be loaded: for image builds."""
    rows = _load_rows()
    broken = [row for row in rows if row["state"] in BROKEN_STATES]
    print_line(_format_table(broken or rows))
    raise SystemExit(1 if broken else 0)


def _load_rows() -> list[PluginRow]:
    # not needed by `serve`, which imports this module
    from xo_cowork_core.host.plugins.inspection import load_plugin_records  # noqa: PLC0415

    return [_row_of(record) for record in load_plugin_records()]


def _row_of(record: PluginRecord) -> PluginRow:
    return PluginRow(
        name=record.name,
        state=record.state,
        distribution=record.distribution,
        version=record.version,
        import_ms=record.import_ms,
        error=record.error,
    )


def _format_table(rows: Sequence[PluginRow]) -> str:
    if not rows:
        return "No plugin is installed."
    lines = [
        f"{row['name']:<24} {row['state']:<13} {row['distribution']} {row['version']} "
        f"({row['import_ms']} ms)" + (f"\n    {row['error']}" if row["error"] else "")
        for row in rows
    ]
    return "\n".join(lines)
