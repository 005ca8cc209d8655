"""Finds the `codex` executable: on the machine, or where this plugin installed it."""

from pathlib import Path

from xo_cowork_core.sdk import HostContext
from xo_runtime_codex.options import Options

INSTALL_FOLDER = "codex-cli"


def find_program(context: HostContext, options: Options) -> Path | None:
    """Return the path of `codex`, or None. Blocks."""
    program = context.paths.binary("codex", options.binary)
    if program is not None or options.binary:
        return program
    installed = installed_program(context.paths.ensure_state_folder() / INSTALL_FOLDER)
    return context.paths.binary("codex", str(installed))


def installed_program(folder: Path) -> Path:
    """Return where npm puts the executable below an installation's folder."""
    return folder / "node_modules" / ".bin" / "codex"
