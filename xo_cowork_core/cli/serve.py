"""`xo-cowork serve`, and its help, which lists every setting."""

import logging
import textwrap
from collections.abc import Iterable

from xo_cowork_core.cli.banner import print_banner
from xo_cowork_core.cli.output import print_line
from xo_cowork_core.host import serving
from xo_cowork_core.host.settings.model import (
    SettingField,
    plugin_setting_field,
    setting_fields,
)
from xo_cowork_core.host.settings.sources import SettingError
from xo_cowork_core.host.settings.types import SETTING_TYPES

INTRODUCTION = """\
Usage: xo-cowork serve

Serve until a signal stops the server. Every setting is read from the environment first, then from
the TOML file (under the same name), then its default is taken.
"""


def serve() -> int:
    """Serve until a signal; return the exit code. Raises one of `serving.START_ERRORS`."""
    return serving.serve(print_banner)


def serve_command(help: bool = False) -> None:  # noqa: A002  # it becomes the option --help
    """Serve until a signal stops the server. `serve --help` lists every setting."""
    if help:
        logging.disable()
        print_line(settings_help())
    else:
        raise SystemExit(serve())


def settings_help() -> str:
    """Describe every setting: the core's, then those of the plugins that can be imported."""
    from xo_cowork_core.host.plugins.inspection import load_plugin_records  # noqa: PLC0415

    lines = [INTRODUCTION, "Core:", *_describe(field for _, field in setting_fields())]
    try:
        records = load_plugin_records()
    except SettingError as error:
        return "\n".join([*lines, "", f"Plugins' settings are not listed: {error}"])
    for record in records:
        if record.contributions.settings:
            fields = map(plugin_setting_field, record.contributions.settings)
            lines += ["", f"{record.name}:", *_describe(fields)]
    return "\n".join(lines)


def _describe(fields: Iterable[SettingField]) -> list[str]:
    lines: list[str] = []
    for field in fields:
        default = f" [{field.default}]" if field.default else ""
        lines.append(f"  {field.name}{default}")
        text = field.help
        if setting_type := SETTING_TYPES.get(field.type):
            text += f" Takes {setting_type.description}."
        lines += textwrap.wrap(text, 90, initial_indent="      ", subsequent_indent="      ")
    return lines
