"""The real CLIs of the toolchain, each against a stand-in of its vendor on the loopback."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLAUDE = ROOT / ".toolchain" / "bin" / "claude"

sys.path.append(str(ROOT / "tests" / "fakes" / "claude_cli"))
from claude_prompts import model_api  # noqa: E402


@pytest.fixture(scope="session")
def claude() -> Path:
    """The pinned Claude Code."""
    if not CLAUDE.exists():
        pytest.skip("the real CLIs are not here: run `make toolchain`")
    return CLAUDE.resolve()


@pytest.fixture(scope="session")
def model_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the model was asked, a JSON line a request."""
    return tmp_path_factory.mktemp("model") / "requests.jsonl"


@pytest.fixture(scope="session")
def model_port(model_log: Path) -> Iterator[int]:
    """The port of the model's stand-in."""
    with model_api(model_log) as port:
        yield port
