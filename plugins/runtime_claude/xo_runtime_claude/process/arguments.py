"""The command lines of the CLI, and what a live process is bound to."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import SecretStr

from xo_cowork_core.sdk import Turn
from xo_runtime_claude.process.mcp_servers import mcp_arguments

EFFORTS = frozenset({"low", "medium", "high", "xhigh", "max"})
STREAM = ("-p", "--output-format", "stream-json", "--verbose", "--include-partial-messages")
WARM = ("--input-format", "stream-json", "--permission-prompt-tool", "stdio")


class ProcessBinding(NamedTuple):
    """The properties that can't change while a process runs; the environment as a digest, with
    the tokens of the MCP servers."""

    cwd: Path
    effort: str
    environment: str
    mcp_servers: Sequence[str] = ()


def binding_of(turn: Turn, environment: Mapping[str, SecretStr | str]) -> ProcessBinding:
    """Return what a process for this turn is bound to."""
    digest = hashlib.sha256()
    for key, value in sorted(environment.items()):
        plain = value.get_secret_value() if isinstance(value, SecretStr) else value
        digest.update(f"{key}={plain}\0".encode("utf-8", "replace"))
    servers = tuple(mcp_arguments(turn.mcp_servers))
    return ProcessBinding(turn.cwd, effort_of(turn), digest.hexdigest(), servers)


def effort_of(turn: Turn) -> str:
    """Return the CLI's effort level for a turn's `reasoning`; empty for an unknown word."""
    word = (turn.reasoning or "").strip().lower()
    return word if word in EFFORTS else ""


def session_arguments(session_id: str, *, resume: bool, resume_at: str | None = None) -> list[str]:
    """Start a session under the host's id, or resume it, at the row `resume_at` if given."""
    if not resume:
        return ["--session-id", session_id]
    position = ["--resume-session-at", resume_at] if resume_at else []
    return ["--resume", session_id, *position]


def warm_arguments(turn: Turn, session: Sequence[str]) -> list[str]:
    """Return the arguments of a process that stays for further turns."""
    effort = effort_of(turn)
    servers = mcp_arguments(turn.mcp_servers)
    return [*STREAM, *WARM, *session, *(["--effort", effort] if effort else []), *servers]


def cold_arguments(turn: Turn, session: Sequence[str]) -> list[str]:
    """Return the arguments of a process for one turn. It can't ask for permissions: what is not
    allowed is denied."""
    arguments = [*STREAM, *session, *mcp_arguments(turn.mcp_servers)]
    if turn.model:
        arguments += ["--model", turn.model]
    if turn.mode == "plan":
        arguments += ["--permission-mode", "plan"]
    elif turn.permissions.file_changes == "allow":
        arguments += ["--permission-mode", "acceptEdits"]
    if turn.permissions.run_commands == "allow":
        arguments += ["--allowedTools", "Bash"]
    return arguments
