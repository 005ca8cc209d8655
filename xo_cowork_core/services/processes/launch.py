"""Starts the program of a supervised process, with pipes or a terminal as its streams."""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from pydantic import SecretStr

from xo_cowork_core.sdk import AgentFailure, BadRequest
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_cowork_core.services.processes.environment import child_environment
from xo_cowork_core.services.processes.streams import (
    ProcessStreams,
    Terminal,
    captured_streams,
    piped_streams,
)
from xo_cowork_core.services.processes.tags import ProcessTag

# what agents write, histories with it, is for this user alone
PRIVATE_UMASK = 0o077
StartedProgram: TypeAlias = tuple[subprocess.Popen[bytes], ProcessStreams]


@frozen_dataclass
class Command:
    """A program, the folder that it runs in, and what is added to its environment."""

    argv: Sequence[str]
    cwd: Path
    environment: Mapping[str, SecretStr | str]


def start_piped(command: Command, tag: ProcessTag) -> StartedProgram:
    """Start a program whose output is read in lines. Raises BadRequest, AgentFailure."""
    child = _start(command, tag)
    return child, piped_streams(child)


def start_captured(
    command: Command, on_output: Callable[[], None], tag: ProcessTag
) -> StartedProgram:
    """Start a program whose last output is kept. Raises BadRequest, AgentFailure."""
    child = _start(command, tag)
    return child, captured_streams(child, on_output)


def start_in_terminal(
    command: Command, on_output: Callable[[], None], tag: ProcessTag
) -> StartedProgram:
    """Start a program in a terminal of its own. Raises BadRequest, AgentFailure."""
    terminal = Terminal()
    try:
        child = _start(replace(command, argv=terminal.command(command.argv)), tag, terminal)
    except BaseException:
        terminal.close()
        raise
    finally:
        terminal.close_child_end()
    return child, terminal.streams(on_output)


def _start(
    command: Command, tag: ProcessTag, terminal: Terminal | None = None
) -> subprocess.Popen[bytes]:
    if not command.argv:
        raise BadRequest("There is no command to run.")
    name = Path(command.argv[0]).name
    if not command.cwd.is_dir():
        raise AgentFailure(f"The folder {command.cwd.name} is not there.", code="not_installed")
    ends = terminal.child_end if terminal else subprocess.PIPE
    try:
        return subprocess.Popen(  # noqa: S603 - the caller's own argument list, no shell
            list(command.argv),
            bufsize=0,
            stdin=ends,
            stdout=ends,
            stderr=ends,
            cwd=command.cwd,
            env=child_environment(os.environ, command.environment, tag.environment()),
            start_new_session=True,
            umask=PRIVATE_UMASK,
        )
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        text = f"{name} is not installed, or may not be run."
    except (OSError, ValueError) as error:
        raise AgentFailure(f"{name} could not be started.", code="internal") from error
    raise AgentFailure(text, code="not_installed")
