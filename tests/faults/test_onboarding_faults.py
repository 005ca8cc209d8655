"""Onboarding's file while the server is killed, and while its disk is full."""

import json
import random
import threading
from pathlib import Path

import httpx
import pytest

from tests.support.answers import expect_error, get_json
from tests.support.small_disk import small_disk
from xo_cowork_core.sdk.testing import LiveServer, eventually

URL = "/api/onboarding"
DONE = "/api/onboarding/complete"
KILLS = 4
WRITERS = 3


@pytest.mark.fault
def test_a_kill_leaves_the_old_file_or_the_new_one(fault_seed: int) -> None:
    dice = random.Random(fault_seed)
    with LiveServer(environment={"XO_PLUGINS": "none"}) as server:
        completed: list[str] = []
        for _ in range(KILLS):
            writers = [
                threading.Thread(target=complete, args=(server.base_url, completed, number))
                for number in range(WRITERS)
            ]
            for writer in writers:
                writer.start()
            threading.Event().wait(dice.uniform(0.01, 0.2))
            server.kill()
            for writer in writers:
                writer.join(30)
            stored = json.loads((server.state / "state.json").read_text())
            assert stored["version"] == 1
            assert stored["onboarding_completed"] or not completed
            server.start()
            assert get_json(server, URL)["completed"] is stored["onboarding_completed"]
            assert not list(server.state.glob("state.json.*"))


def complete(base_url: str, completed: list[str], number: int) -> None:
    """Complete the onboarding with ever new steps until the server is gone."""
    with httpx.Client(base_url=base_url, timeout=10, trust_env=False) as http:
        for count in range(100_000):
            step = f"step-{number}-{count}"
            try:
                answer = http.post(DONE, json={"onboarding_step": step})
            except httpx.TransportError:
                return
            if answer.status_code == 200:
                completed.append(step)


@pytest.mark.fault
def test_a_full_disk_is_503_and_the_old_file_stays(tmp_path: Path) -> None:
    with small_disk(tmp_path / "state", "4m") as folder:
        environment = {"XO_PLUGINS": "none", "XO_STATE_DIR": str(folder)}
        with LiveServer(environment=environment) as server:
            file = folder / "state.json"
            eventually(file.exists, 10, "state.json")
            before = file.read_text()
            filler = folder / "filler"
            with (
                filler.open("wb", buffering=0) as full,
                pytest.raises(OSError, match="No space"),
            ):
                while full.write(b"x" * 4096):
                    pass
            assert get_json(server, URL)["completed"] is False
            detail = expect_error(server.client.post(DONE), 503)
            assert "No space" in detail
            assert file.read_text() == before
            filler.unlink()
            assert server.client.post(DONE).json() == {"ok": True}
            assert get_json(server, URL)["completed"] is True
