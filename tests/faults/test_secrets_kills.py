"""SIGKILL while secrets are written: the env file is the old or the new one, never another.

Each round has five kills. The file is large, so that a write takes a while.
"""

import random
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
import pytest

from xo_cowork_core.sdk.testing import LiveServer
from xo_cowork_core.storage.envfile import read_env_file

KILLS = 5
KEYS = 400
VALUE_CHARACTERS = 500


@pytest.fixture
def server() -> Iterator[LiveServer]:
    environment = {"XO_PLUGINS": "runtime_demo"}
    with LiveServer(environment=environment) as running:
        yield running


def entries_of(number: int) -> dict[str, str]:
    """Return the entries of one write, which only fit together with themselves."""
    text = f'it\'s $write "{number}" '
    return {f"KEY_{key}": text * (VALUE_CHARACTERS // len(text)) for key in range(KEYS)}


@dataclass
class Writer:
    """Replaces all entries again and again; each write has a number, the last ones are noted."""

    client: httpx.Client
    sent: int = 0
    acknowledged: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def write(self) -> None:
        """Write until the server is killed."""
        with suppress(httpx.TransportError, RuntimeError):
            while not self.over.is_set():
                self.sent += 1
                pairs = entries_of(self.sent).items()
                entries = [{"key": key, "value": value} for key, value in pairs]
                answer = self.client.put("/api/secrets/env", json={"entries": entries})
                answer.raise_for_status()
                self.acknowledged = self.sent


@pytest.mark.fault
@pytest.mark.timeout(240)
def test_a_killed_server_leaves_the_old_or_the_new_env_file(
    server: LiveServer, fault_seed: int
) -> None:
    dice, writer = random.Random(fault_seed), Writer(server.client)
    for _ in range(KILLS):
        writer.client = server.client
        writer.over.clear()
        thread = threading.Thread(target=writer.write)
        thread.start()
        writer.over.wait(dice.uniform(0.02, 0.4))
        server.kill()
        writer.over.set()
        thread.join()
        check_files(server, writer)
        server.start()


def check_files(server: LiveServer, writer: Writer) -> None:
    """Check that the file is one whole write, and that no copy of the keys is open to others."""
    file = server.state / "env"
    entries = dict(read_env_file(file).entries)
    candidates = [entries_of(n) for n in range(writer.acknowledged, writer.sent + 1) if n]
    assert entries in (candidates if writer.acknowledged else [{}, *candidates])
    if entries:
        assert file.stat().st_mode & 0o777 == 0o600
    copies = [path for path in server.state.iterdir() if path.name.endswith(".new")]
    assert [path.name for path in copies] in ([], [".env.new"])
    assert all(path.stat().st_mode & 0o077 == 0 for path in copies)
