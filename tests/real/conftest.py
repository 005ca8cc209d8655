"""Fixtures that the tests of several real programs share."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLAUDE = ROOT / ".toolchain" / "bin" / "claude"


@pytest.fixture(scope="session")
def real_claude() -> Path:
    """The pinned Claude Code."""
    if not CLAUDE.exists():
        pytest.skip("the real CLIs are not here: run `make toolchain`")
    return CLAUDE.resolve()
