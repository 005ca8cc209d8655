"""Files that are never served: keys of programs, the state folder, plugins' env files."""

from collections.abc import Sequence
from pathlib import Path

from xo_cowork_core.services.files.private_paths import private_paths
from xo_cowork_core.services.runtimes.registry import Registry
from xo_cowork_core.storage.atomic import remove_unfinished
from xo_cowork_core.storage.envfile import staging_path
from xo_cowork_core.storage.state_folder import StateFolderError

CONNECTOR_FOLDERS = ("connectors", "connectors/tokens")


def list_private_paths(home: Path, state_dir: Path, registry: Registry) -> Sequence[Path]:
    """Return every private path of one server."""
    return private_paths(home, state_dir, list_env_files(registry))


def list_env_files(registry: Registry) -> Sequence[Path]:
    """Return the env files of the plugins that are registered by now, also while they change."""
    names = [record.contributions.env_file for record in registry.plugins.values()]
    files = [Path(name).expanduser() for name in names if name]
    return [*files, *map(staging_path, files)]


def remove_unfinished_files(state_dir: Path) -> None:
    """Delete what a killed server left of the files that it was replacing: they may have keys.

    Blocks. Raises StateFolderError.
    """
    try:
        for folder in (state_dir, *(state_dir / name for name in CONNECTOR_FOLDERS)):
            remove_unfinished(folder)
    except OSError as error:
        raise StateFolderError(f"{error.filename} can't be deleted: {error.strerror}") from error
