"""Writes the tables of docs/settings.md from the code: `python -m tests.docs.settings_page`."""

import tempfile
from collections.abc import Iterable, Sequence

from tests.docs.pages import ROOT, page
from xo_cowork_core.host.app import create_app
from xo_cowork_core.host.settings.model import (
    SettingField,
    plugin_setting_field,
    read_settings,
    setting_fields,
)
from xo_cowork_core.host.settings.types import SETTING_TYPES
from xo_cowork_core.services.runtimes.plugin_record import PluginRecord

NAME = "docs/settings.md"
START, END = "<!-- generated: python -m tests.docs.settings_page -->", "<!-- end -->"


def wanted() -> str:
    """Return the page that the code generates."""
    head, start, rest = page(NAME).text.partition(START)
    _, end, tail = rest.partition(END)
    assert start and end, f"{NAME} has lost its marks"
    return f"{head}{START}\n\n{_generated()}\n{END}{tail}"


def _generated() -> str:
    parts = ["## The core", "", *_settings(field for _, field in setting_fields())]
    for record in _own_plugins():
        settings = [plugin_setting_field(setting) for setting in record.contributions.settings]
        if settings or record.secrets:
            parts += ["", f"## {record.name}"]
        if settings:
            parts += ["", *_settings(settings)]
        if record.secrets:
            parts += ["", _keys_line(record), "", *_secrets(record)]
    return "\n".join(parts) + "\n"


def _settings(fields: Iterable[SettingField]) -> list[str]:
    lines = ["| setting | default | what |", "|---|---|---|"]
    for field in fields:
        default = f"`{field.default}`" if field.default else ""
        takes = SETTING_TYPES[field.type].description
        lines.append(f"| `{field.name}` | {default} | {_plain(field.help)} Takes {takes}. |")
    return lines


def _plain(text: str) -> str:
    """Keep Markdown from taking `<state>` for a tag and `|` for a cell."""
    return text.replace("<", "&lt;").replace("|", "&#124;")


def _keys_line(record: PluginRecord) -> str:
    named = record.contributions.env_file
    place = f"`{named}`" if named else "`env` in the state folder"
    # of those here each plugin has agents or connectors
    use = "that reach its agents" if record.name.startswith("runtime_") else "of its sign-ins"
    return f"Keys {use}, from {place} or the server's environment:"


def _secrets(record: PluginRecord) -> list[str]:
    lines = ["| key | what |", "|---|---|"]
    for secret in record.secrets:
        sentences = [
            f"{secret.title}.",
            _plain(secret.help),
            "Required." if secret.required else "",
        ]
        lines.append(f"| `{secret.key}` | {' '.join(filter(None, sentences))} |")
    return lines


def _own_plugins() -> Sequence[PluginRecord]:
    """Records of the plugins in this repository, whatever else is installed."""
    own = sorted(folder.name for folder in (ROOT / "plugins").iterdir() if folder.is_dir())
    with tempfile.TemporaryDirectory() as folder:
        given = {"HOME": folder, "XO_STATE_DIR": folder, "XO_PLUGINS": ",".join(own)}
        registry = create_app(read_settings(given)).state.services.registry
    return [registry.plugins[name] for name in own if name in registry.plugins]


if __name__ == "__main__":
    (ROOT / NAME).write_text(wanted())
