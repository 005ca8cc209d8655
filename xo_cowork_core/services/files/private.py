"""Places in the home folder that hold credentials of well-known programs: never served.

Neither read, listed, searched, attached, copied nor written. It keeps honest frontends and pages
that found a way in from handing keys around; an agent with a shell is not held back by it. Beside
this table the server's own state folder and the env files of plugins are private.
"""

from collections.abc import Sequence
from pathlib import Path

PRIVATE = (
    # keys of machines and people
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
    # every variable of the shell that Codex was started in
    ".codex/shell_snapshots",
    ".openclaw/.env",
    ".openclaw/agents",
    ".openclaw/credentials",
    ".openclaw/state",
)


def private_places(home: Path, state_dir: Path, env_files: Sequence[Path]) -> Sequence[Path]:
    """List every private place of one server."""
    return [*(home / place for place in PRIVATE), state_dir, *env_files]
