"""SIGKILL while files are saved and uploaded: whole files, nothing acknowledged lost, no litter.

Each round has ten kills on one home folder; every second one has its state folder on another file
system, where a rename can't reach.
"""

import hashlib
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from xo_cowork_core.sdk.testing import LiveServer

KILLS = 10
SECONDS = 30.0
OTHER = Path("/dev/shm")
LONGEST = 400_000


def text_of(writer: int, number: int) -> str:
    """A text whose completeness can be checked."""
    body = f"{writer}:{number}:" + str(number) * random.Random(number).randrange(1, LONGEST // 8)
    return f"{body}:{hashlib.sha256(body.encode()).hexdigest()}"


def number_in(text: str) -> int:
    body, _, digest = text.rpartition(":")
    assert hashlib.sha256(body.encode()).hexdigest() == digest, "a torn file"
    return int(body.split(":")[1])


@dataclass
class Work:
    """What the writers have sent, and what the server acknowledged."""

    saved: dict[int, int] = field(default_factory=dict)
    sent: dict[int, int] = field(default_factory=dict)
    uploads: dict[str, str] = field(default_factory=dict)
    hashes: set[str] = field(default_factory=set)
    over: threading.Event = field(default_factory=threading.Event)


def save(client: httpx.Client, work: Work, writer: int) -> None:
    while not work.over.is_set():
        number = work.sent[writer] = work.sent.get(writer, 0) + 1
        body = {"path": f"~/saved/{writer}.txt", "content": text_of(writer, number)}
        answer = client.post("/api/files/save", json=body)
        assert answer.status_code == 200, answer.text
        work.saved[writer] = number


def upload(client: httpx.Client, work: Work, dice: random.Random) -> None:
    while not work.over.is_set():
        body = dice.randbytes(dice.randrange(1, LONGEST * 4))
        work.hashes.add(hashlib.sha256(body).hexdigest())
        files = {"file": (f"{dice.randrange(3)}.bin", body)}
        answer = client.post("/api/files/upload", files=files)
        assert answer.status_code == 200, answer.text
        work.uploads[answer.json()["path"]] = answer.json()["content_hash"]


@pytest.fixture
def server(fault_seed: int) -> Iterator[LiveServer]:
    with TemporaryDirectory(dir=OTHER if OTHER.is_dir() else None) as other:
        places = {"XO_STATE_DIR": f"{other}/state"} if fault_seed % 2 else {}
        with LiveServer(environment={"XO_PLUGINS": "none", **places}) as running:
            if fault_seed % 2:
                running.state = Path(other) / "state"
            yield running


@pytest.mark.fault
@pytest.mark.timeout(240)
def test_a_killed_server_leaves_whole_files_only(server: LiveServer, fault_seed: int) -> None:
    dice, work = random.Random(fault_seed), Work()
    for _ in range(KILLS):
        work.over.clear()
        run_until_killed(server, work, dice)
        server.start()
        look(server, work)


def run_until_killed(server: LiveServer, work: Work, dice: random.Random) -> None:
    faults = list[AssertionError]()

    def until_cut(job: Callable[[httpx.Client], None]) -> None:
        # the server's own client is closed while the threads still run
        with httpx.Client(
            base_url=server.base_url, timeout=SECONDS, event_hooks=hooks, trust_env=False
        ) as client:
            try:
                with suppress(httpx.TransportError):
                    job(client)
            except AssertionError as fault:
                faults.append(fault)

    hooks = server.client.event_hooks
    jobs = [partial(save, work=work, writer=writer) for writer in range(3)]
    jobs += [partial(upload, work=work, dice=random.Random(dice.random())) for _ in range(2)]
    threads = [threading.Thread(target=until_cut, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    work.over.wait(dice.uniform(0.05, 0.5))
    server.kill()
    work.over.set()
    for thread in threads:
        thread.join()
    assert faults == []


def look(server: LiveServer, work: Work) -> None:
    """Compare what is on disk with what was promised."""
    for writer, acknowledged in work.saved.items():
        found = number_in((server.home / "saved" / f"{writer}.txt").read_text())
        assert acknowledged <= found <= work.sent[writer]
    for path, content_hash in work.uploads.items():
        assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == content_hash
    for folder in ("saved", "uploads"):
        for path in (server.home / folder).glob("*"):
            assert not path.name.endswith(".xo-new"), "a copy is left"
            if folder == "uploads":
                assert hashlib.sha256(path.read_bytes()).hexdigest() in work.hashes
    drafts = server.state / "drafts"
    assert not drafts.exists() or list(drafts.iterdir()) == []
