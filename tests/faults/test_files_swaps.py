"""Links are swapped during many requests on every route: not one gets out."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.file_traps import ROUTES, SECRET
from xo_cowork_core.sdk.testing import LiveServer

REPEATS = 5
PATHS = ("~/link", "~/link/f", "~/folder/f", "~/leaf", "~/folder/deep/f")
SWAPPER = Path(__file__).parents[1] / "support" / "path_swapper.py"


@pytest.fixture
def server() -> Iterator[LiveServer]:
    with LiveServer(environment={"XO_PLUGINS": "none"}) as running:
        outside = running.root / "outside"
        for folder in (running.home / "real", running.home / "folder" / "deep", outside):
            folder.mkdir(parents=True)
            (folder / "f").write_text(SECRET if folder == outside else "mine")
        (running.home / "leaf").write_text("mine")
        command = [sys.executable, str(SWAPPER), str(running.home), str(outside)]
        swapper = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert swapper.stdout
        swapper.stdout.readline()
        try:
            yield running
        finally:
            swapper.kill()
            swapper.communicate()


@pytest.mark.fault
@pytest.mark.timeout(900)
def test_nothing_gets_out_while_links_are_swapped(server: LiveServer, fault_rounds: int) -> None:
    outside = server.root / "outside"
    seen: dict[int, int] = {}
    for _ in range(REPEATS * fault_rounds):
        for send in ROUTES.values():
            for path in PATHS:
                answer = send(server, path)
                seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
                assert SECRET not in answer.text
    assert set(seen) <= {200, 400, 403, 404, 409, 412}
    assert min(seen[200], seen[403]) > 50, "both sides of the race were met"
    assert (outside / "f").read_text() == SECRET
    assert {child.name for child in outside.iterdir()} <= {"f", "deep"}
