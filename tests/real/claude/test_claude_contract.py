"""The real Claude Code passes the runtime contract."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.claude_cli.claude_prompts import claude_subject
from xo_cowork_core.sdk.testing import RuntimeContract, RuntimeSubject


@pytest.mark.real
class TestClaudeCode(RuntimeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(
        cls, real_claude: Path, model_port: int, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[RuntimeSubject]:
        yield claude_subject(real_claude, model_port, tmp_path_factory.mktemp("claude"))
