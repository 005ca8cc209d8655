"""The runtime passes the contract with the stand-in of the CLI."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from xo_cowork_core.sdk.testing import RuntimeContract, RuntimeSubject

sys.path.append(str(Path(__file__).parents[3] / "tests" / "fakes" / "codex_cli"))
from codex_prompts import STAND_IN, codex_subject


class TestCodexStandIn(RuntimeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeSubject]:
        yield codex_subject(STAND_IN, 9, tmp_path_factory.mktemp("codex"))
