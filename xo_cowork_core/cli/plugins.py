"""`xo-cowork plugins list` and `xo-cowork plugins check`."""

import logging
from collections.abc import Sequence
from typing import TypedDict

from xo_cowork_core.cli.output import print_json, print_line
from xo_cowork_core.services.runtimes.plugin_record import PluginRecord

NO_PLUGIN = "No plugin is installed."
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
    """Exit 1 when an enabled plugin can't be loaded or breaks a rule: for image builds."""
    logging.disable()
    # not needed by `serve`, which imports this module
    from xo_cowork_core.host.plugins.inspection import check_plugins  # noqa: PLC0415

    plugins, settings_problems = check_plugins()
    is_ok = not settings_problems
    for plugin in plugins:
        row, problems = _row_of(plugin.record), plugin.problems
        is_broken = row["state"] in BROKEN_STATES
        verdict = "problem" if problems and not is_broken else row["state"]
        print_line(_format_row({**row, "state": "ok" if verdict == "loaded" else verdict}))
        for problem in problems:
            print_line(f"    {problem}")
        is_ok &= not (is_broken or problems)
    for problem in settings_problems:
        print_line(problem)
    if not plugins:
        print_line(NO_PLUGIN)
    raise SystemExit(0 if is_ok else 1)


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
    return "\n".join(map(_format_row, rows)) or NO_PLUGIN


def _format_row(row: PluginRow) -> str:
    error = f"\n    {row['error']}" if row["error"] else ""
    source = f"{row['distribution']} {row['version']}"
    return f"{row['name']:<24} {row['state']:<13} {source} ({row['import_ms']} ms){error}"
