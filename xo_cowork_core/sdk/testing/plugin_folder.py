"""Installs a plugin for tests: writes a package and its metadata into a folder."""

from pathlib import Path

from xo_cowork_core.sdk.hooks import GROUP

METADATA = """\
Metadata-Version: 2.1
Name: {distribution}
Version: {version}
Requires-Dist: {requires}
"""


def install_plugin(
    folder: Path,
    name: str,
    source: str,
    *,
    version: str = "1.0",
    requires: str = "xo-cowork-core>=0.1",
) -> Path:
    """Write a distribution with one entry point into `folder` and return `folder`.

    `name` is the name of the entry point (`runtime_mine`), `source` the text of the module, which
    defines an object called `plugin`. `requires` is the distribution's only requirement. Several
    plugins may share a folder. To use it: `LiveServer(python_path=[folder])`.
    """
    package = folder / f"xo_{name}"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text('"""A plugin made by a test."""\n')
    (package / "plugin.py").write_text(source)
    info = folder / f"xo_{name}-{version}.dist-info"
    info.mkdir()
    distribution = f"xo-{name.replace('_', '-')}"
    (info / "METADATA").write_text(
        METADATA.format(distribution=distribution, version=version, requires=requires)
    )
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = xo_{name}.plugin:plugin\n")
    return folder
