"""Makes a plugin that counts as installed: a package beside its metadata, in one folder."""

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
    requires: str = "xo-cowork-core",
) -> Path:
    """Write a distribution with one entry point into `folder` and return `folder`.

    `name` is the entry point's (`runtime_mine`), `source` the text of its `plugin` module, which
    has an object called `plugin`. Put the folder on a server's path:
    `LiveServer(python_path=[folder])`. Several plugins may share a folder.
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
