"""Paths in the home folder that hold credentials of well-known programs: never served.

They are neither read, listed, searched, attached, copied nor written. This keeps frontends, and
web pages that reach the API, from passing keys on; it does not restrict an agent that has a shell.
The server's own state folder and the env files of plugins are private as well.
"""

from collections.abc import Sequence
from pathlib import Path

PRIVATE = (
    # keys of machines and of people
    ".ssh",
    ".gnupg",
    ".password-store",
    ".local/share/keyrings",
    # cloud accounts and clusters
    ".aws",
    ".azure",
    ".config/gcloud",
    ".kube",
    ".docker/config.json",
    ".terraform.d/credentials.tfrc.json",
    ".vault-token",
    # code hosts and package registries
    ".netrc",
    ".git-credentials",
    ".config/git/credentials",
    ".config/gh/hosts.yml",
    ".npmrc",
    ".pypirc",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    # storage and coding agents
    ".config/rclone/rclone.conf",
    ".claude/.credentials.json",
    ".claude.json",
    ".codex/auth.json",
    # holds every variable of the shell in which Codex was started
    ".codex/shell_snapshots",
    ".openclaw/.env",
    ".openclaw/agents",
    ".openclaw/credentials",
    ".openclaw/state",
)


def private_paths(home: Path, state_dir: Path, env_files: Sequence[Path]) -> Sequence[Path]:
    """Return every private path of one server."""
    return [*(home / path for path in PRIVATE), state_dir, *env_files]
