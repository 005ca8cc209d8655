"""Writes the table of docs/runtimes.md from the code: `python -m tests.docs.runtimes_page`."""

import tempfile
from collections.abc import Mapping, Sequence

from tests.docs.pages import ROOT, page
from xo_cowork_core.host.app import create_app
from xo_cowork_core.host.settings.model import read_settings
from xo_cowork_core.services.runtimes.registry import ABILITIES

NAME = "docs/runtimes.md"
START, END = "<!-- generated: python -m tests.docs.runtimes_page -->", "<!-- end -->"
HAS, LACKS = "yes", "no"


def own_plugins() -> Sequence[str]:
    """Names of the plugins in this repository, whatever else is installed."""
    return sorted(folder.name for folder in (ROOT / "plugins").iterdir() if folder.is_dir())


def wanted() -> str:
    """Return the page that the code generates."""
    head, start, rest = page(NAME).text.partition(START)
    _, end, tail = rest.partition(END)
    assert start and end, f"{NAME} has lost its marks"
    return f"{head}{START}\n\n{_matrix(_abilities())}\n{END}{tail}"


def _matrix(runtimes: Mapping[str, Sequence[str]]) -> str:
    rows = [
        [f"`{word}`", *(HAS if word in abilities else LACKS for abilities in runtimes.values())]
        for word in ABILITIES
    ]
    head = ["ability", *(f"`{name}`" for name in runtimes)]
    lines = [_line(head), "|---" * len(head) + "|", *map(_line, rows)]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _abilities() -> Mapping[str, Sequence[str]]:
    with tempfile.TemporaryDirectory() as folder:
        given = {"HOME": folder, "XO_STATE_DIR": folder, "XO_PLUGINS": ",".join(own_plugins())}
        registry = create_app(read_settings(given)).state.services.registry
    return {found.info.name: found.abilities for found in registry.runtimes()}


if __name__ == "__main__":
    (ROOT / NAME).write_text(wanted())
