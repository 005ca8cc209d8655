"""Type checkers see the types of an installed wheel, not only those of the source tree."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

CHECKERS = ("mypy", "pyright")
INSTALL = ("sync", "--locked", "--offline", "--no-editable", "--no-dev")
REBUILD = ("--reinstall-package", "xo-cowork-core")  # uv would take the wheel of an earlier run
PLUGIN = """\
from collections.abc import AsyncIterator

from xo_cowork_core.sdk import Answers, Event, Runtime, RuntimeInfo, TextDelta, Turn, TurnAnswer
from xo_cowork_core.sdk.kit import ActiveTurns, StepCounter
from xo_cowork_core.sdk.runtime.history import Message


class Mine(Runtime, Answers):
    def describe(self) -> RuntimeInfo:
        return RuntimeInfo(name="mine", title="Mine", rank={rank})

    async def run(self, turn: Turn) -> AsyncIterator[Event]:
        for event in StepCounter().start():
            yield event
        yield TextDelta(turn.{field})

    async def answer(self, turn: Turn, call_id: str, answer: TurnAnswer) -> None:
        return None


def ids(messages: list[Message]) -> list[str]:
    return [message.id for message in messages]
"""
GOOD = PLUGIN.format(rank="7", field="text")
BAD = PLUGIN.format(rank='"first"', field="texts")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, install it alone into a clean environment, return its interpreter."""
    environment = tmp_path_factory.mktemp("wheel") / "env"
    # at the versions of this environment: their downloads are in the cache, offline is enough
    done = subprocess.run(
        [Path(sys.executable).with_name("uv"), *INSTALL, *REBUILD],
        check=False,
        cwd=ROOT,
        env={
            **os.environ,
            "UV_PROJECT_ENVIRONMENT": str(environment),
            "UV_PYTHON": sys.executable,
        },
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return environment / "bin" / "python"


@pytest.mark.parametrize("checker", CHECKERS)
def test_wrong_types_are_found_and_correct_ones_accepted(
    checker: str, python: Path, tmp_path: Path
) -> None:
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "bad.py").write_text(BAD)
    printed = check(checker, python, tmp_path)
    errors = [line for line in printed.splitlines() if ".py:" in line and "error" in line]
    assert len(errors) == 2, printed
    assert all("bad.py" in error for error in errors), printed
    assert "rank" in errors[0]
    assert "texts" in errors[1]


def check(checker: str, python: Path, folder: Path) -> str:
    """Return what a checker prints about the modules in a folder."""
    arguments: dict[str, Sequence[str | Path]] = {
        "mypy": ["--strict", "--python-executable", python, folder],
        "pyright": ["--pythonpath", python, folder],
    }
    done = subprocess.run(
        [Path(sys.executable).with_name(checker), *arguments[checker]],
        check=False,
        cwd=folder,
        env={"PATH": os.defpath, "HOME": os.environ["HOME"]},
        capture_output=True,
        text=True,
        timeout=100,
    )
    return done.stdout + done.stderr
