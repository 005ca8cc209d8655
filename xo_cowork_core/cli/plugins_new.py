"""`xo-cowork plugins new`: writes a plugin's distribution from a template.

Each folder of `templates/` is one kind of plugin. Its files end in `.template`; `package` in a path
is the name of the package.
"""

import re
from enum import StrEnum
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from typing import Annotated

from packaging.version import Version
from typer import Argument, BadParameter, Option

from xo_cowork_core import __version__
from xo_cowork_core.cli.output import print_line

TEMPLATES = "templates"
SUFFIX = ".template"
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
NEXT_STEPS = """\
{folder} is a plugin that works. Next:

    uv pip install -e {folder}
    xo-cowork plugins list
    pytest {folder}
"""


class PluginKind(StrEnum):
    """The kinds of plugins that there is a template for."""

    RUNTIME = "runtime"
    CONNECTOR = "connector"


def plugins_new_command(
    kind: Annotated[PluginKind, Argument(help="What the plugin adds.")],
    name: Annotated[str, Argument(help="Its name: lower case, words joined by `-`.")],
    folder: Annotated[
        Path | None, Option(help="The folder to create. Default: ./xo-<kind>-<name>")
    ] = None,
) -> None:
    """Write a new plugin: a distribution with its tests, which pass."""
    if not NAME.fullmatch(name):
        raise BadParameter(f"{name!r} is not a name like `my-agent`")
    target = folder or Path(f"xo-{kind}-{name}")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BadParameter(f"{target} exists and is not an empty folder")
    fields = _fields(kind, name)
    template = files("xo_cowork_core.cli").joinpath(TEMPLATES, kind)
    _write(template, target, fields)
    print_line(NEXT_STEPS.format(folder=target).rstrip())


def _fields(kind: PluginKind, name: str) -> dict[str, str]:
    words = name.split("-")
    core = Version(__version__)
    return {
        "name": name,
        "title": " ".join(words).capitalize(),
        "class_name": "".join(word.capitalize() for word in words),
        "distribution": f"xo-{kind}-{name}",
        "package": f"xo_{kind}_{'_'.join(words)}",
        "setting": "_".join(words).upper(),
        "plugin": f"{kind}_{'_'.join(words)}",
        "core_range": f">={core.major}.{core.minor},<{core.major}.{core.minor + 1}",
    }


def _write(source: Traversable, target: Path, fields: dict[str, str]) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for entry in source.iterdir():
        name = fields["package"] if entry.name == "package" else entry.name
        if entry.is_dir():
            _write(entry, target / name, fields)
        elif name.endswith(SUFFIX):
            text = Template(entry.read_text("utf-8")).substitute(fields)
            (target / name.removesuffix(SUFFIX)).write_text(text, "utf-8")
