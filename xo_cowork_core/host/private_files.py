"""Files that are never served: keys of programs, the state folder, plugins' env files."""

from collections.abc import Sequence
from pathlib import Path

from xo_cowork_core.services.files.private_paths import private_paths
from xo_cowork_core.services.runtimes.registry import Registry
from xo_cowork_core.storage.envfile import staging_path


def list_private_paths(home: Path, state_dir: Path, registry: Registry) -> Sequence[Path]:
    """Return every private path of one server."""
    return private_paths(home, state_dir, list_env_files(registry))


def list_env_files(registry: Registry) -> Sequence[Path]:
    """Return the env files of the plugins that are registered by now, also while they change."""
    names = [record.contributions.env_file for record in registry.plugins.values()]
    files = [Path(name).expanduser() for name in names if name]
    return [*files, *map(staging_path, files)]
