"""Installs Codex with npm into the plugin's folder. Only a person's request leads here."""

import asyncio
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from xo_cowork_core.sdk import HostContext, UpstreamFailed
from xo_cowork_core.sdk.connector import SignInDialog
from xo_runtime_codex.options import Options
from xo_runtime_codex.program import INSTALL_FOLDER, find_program, installed_program
from xo_runtime_codex.sign_in.errors import ToolMissing

# npm reports on stderr
MERGED_OUTPUT = ("/bin/sh", "-c", 'exec "$@" 2>&1', "npm")
OPTIONS = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=http", "--no-progress")


async def install_program(context: HostContext, options: Options, dialog: SignInDialog) -> Path:
    """Install Codex and return its path. Raises ToolMissing, UpstreamFailed, AgentFailure.

    It is complete or absent: the installation is renamed to its place.
    """
    npm = await asyncio.to_thread(context.paths.binary, "npm")
    if npm is None:
        raise ToolMissing("npm is not installed: install Node.js, or Codex itself.")
    dialog.print("install", options.package)
    parent = await asyncio.to_thread(context.paths.ensure_state_folder)
    folder = parent / f"{INSTALL_FOLDER}-{dialog.flow_id}"
    command = [str(npm), "install", "--prefix", str(folder), *OPTIONS, "--", options.package]
    try:
        await asyncio.to_thread(_make_folder, folder)
        await _run(context, dialog, command)
        await asyncio.to_thread(_move_into_place, folder, parent / INSTALL_FOLDER)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    program = await asyncio.to_thread(find_program, context, options)
    if program is None:
        raise UpstreamFailed("npm has installed a package without a codex executable.")
    return program


async def _run(context: HostContext, dialog: SignInDialog, command: Sequence[str]) -> None:
    process = await context.processes.spawn(
        [*MERGED_OUTPUT, *command], cwd=context.paths.home, environment={}, owner=dialog.flow_id
    )
    await process.close_stdin()
    async for lines in process.batches():
        for line in lines:
            if text := line.decode("utf-8", "replace").strip():
                dialog.print("install", text)
    returncode = await process.wait(10)
    if returncode != 0:
        raise UpstreamFailed(f"npm could not install Codex: its exit code was {returncode}.")


def _make_folder(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    # without it npm would use a package.json of a folder above
    (folder / "package.json").write_text('{"private": true}\n')


def _move_into_place(folder: Path, place: Path) -> None:
    if not os.access(installed_program(folder), os.X_OK):
        raise UpstreamFailed("npm has installed a package without a codex executable.")
    shutil.rmtree(place, ignore_errors=True)
    folder.replace(place)
