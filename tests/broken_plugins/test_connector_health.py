"""`doctor` tells each fault of a connector's health check, and checks the others."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.broken_plugins.table.host_check import install_all
from tests.broken_plugins.table.sources import HEAD, HEALTHY
from xo_cowork_core.sdk.testing import LiveServer

# what `health` does, and words of the finding
FAULTS = {
    "true": ("async def health(self): return True", "not bool: write `return Health(state=…)`"),
    "none": ("async def health(self): pass", "health() must return Health, not None"),
    "state": ("async def health(self): return Health('fine')", "not 'fine'"),
    "detail": (
        "async def health(self): return Health('ready', detail=None)",
        "Health.detail must be str, not None",
    ),
    "plain": ("def health(self): return Health('ready')", "write `async def health`"),
    "raises": ("async def health(self): raise OSError('x')", "raised OSError: x"),
    "exits": ("async def health(self): raise SystemExit(3)", "health() raised SystemExit: 3"),
    "interrupts": ("async def health(self): raise KeyboardInterrupt", "raised KeyboardInterrupt"),
    "cancels": (
        "async def health(self): raise asyncio.CancelledError",
        "health() raised CancelledError",
    ),
    "waits": ("async def health(self): await swallow()", "health() took longer than 5 s"),
}
SOURCE = """
class Checked(Connector, ChecksHealth):
    def describe(self):
        return ConnectorInfo("{name}", "Checked")

    def sign_in_methods(self):
        return [ApiKey()]

    async def identify(self, tokens):
        return Account("a")

    {health}

class Plugin:
    @hookimpl
    def xo_connectors(self):
        return [Checked()]

plugin = Plugin()
"""


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """What one run of `doctor` tells."""
    sources = {
        name: HEAD.format(name=name) + SOURCE.format(name=name, health=health)
        for name, (health, _) in FAULTS.items()
    }
    folder = install_all(tmp_path_factory.mktemp("checked"), {"healthy": HEALTHY, **sources})
    return doctor(folder)


def doctor(folder: Path) -> list[dict]:
    server = LiveServer(environment={"XO_PLUGINS": "all"}, python_path=[folder])
    try:
        command = [sys.executable, "-m", "xo_cowork_core", "doctor", "--json"]
        done = subprocess.run(
            command,
            env=server.variables(),
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    finally:
        server.close()
    assert done.returncode == 1, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", FAULTS)
def test_a_connector_whose_health_is_wrong_is_told(findings, name):
    (own,) = [each for each in findings if (each["kind"], each["name"]) == ("connector", name)]
    assert not own["ok"] or name == "waits"
    details = [each["detail"] for each in findings if each["name"] == f"plugin_{name}"]
    assert FAULTS[name][1] in " ".join(details)


def test_the_other_connectors_and_runtimes_are_checked(findings):
    states = {(each["kind"], each["name"]): each["state"] for each in findings}
    assert states["connector", "healthy"] == states["runtime", "healthy"] == "ready"
