"""The runtime passes the contract with the stand-in of the CLI."""

from collections.abc import Iterator

import pytest

from tests.fakes.claude_cli.claude_prompts import STAND_IN, claude_subject
from xo_cowork_core.sdk.testing import RuntimeContract, RuntimeSubject


class TestClaudeStandIn(RuntimeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeSubject]:
        yield claude_subject(STAND_IN, 9, tmp_path_factory.mktemp("claude"))
