"""The runtime passes the contract with the stand-in of the CLI."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from xo_cowork_core.sdk.testing import RuntimeContract, RuntimeSubject

sys.path.append(str(Path(__file__).parents[3] / "tests" / "fakes" / "claude_cli"))
from claude_prompts import STAND_IN, claude_subject


class TestClaudeStandIn(RuntimeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeSubject]:
        yield claude_subject(STAND_IN, 9, tmp_path_factory.mktemp("claude"))
