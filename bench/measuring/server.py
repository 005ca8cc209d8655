"""The server with every installed plugin, and the fake agents and models."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from xo_cowork_core.sdk.testing import LiveServer

ROOT = Path(__file__).parents[2]
CLI = ROOT / "bench" / "cli"
QUICK = CLI / "quick"
TORRENT = CLI / "torrent"
MODEL = ROOT / "tests" / "fakes" / "model_api" / "server.py"


def server_with(cli: Path, environment: Mapping[str, str] | None = None) -> LiveServer:
    """Return a server, not started yet, whose Claude is `cli`."""
    return LiveServer(
        environment={
            "CLAUDE_CLI_PATH": str(cli),
            "ANTHROPIC_API_KEY": "bench",
            "CLAUDE_WARM_LIMIT": "64",
            **(environment or {}),
        },
        # what is measured is a server of its own
        fresh=True,
    )


@contextmanager
def fake_model_api() -> Iterator[str]:
    """Run the fake model API and give its address."""
    child = subprocess.Popen([sys.executable, str(MODEL)], stdout=subprocess.PIPE)
    try:
        assert child.stdout
        yield f"http://127.0.0.1:{json.loads(child.stdout.readline())['port']}"
    finally:
        child.kill()
        child.communicate()
