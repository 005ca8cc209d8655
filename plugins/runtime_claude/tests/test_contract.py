"""The runtime passes the contract with the fake CLI."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.fakes.claude_cli.claude_prompts import FAKE_CLI, claude_subject
from xo_cowork_core.sdk.testing import RuntimeContract, RuntimeSubject


class TestFakeClaude(RuntimeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeSubject]:
        subject = claude_subject(FAKE_CLI, 9, tmp_path_factory.mktemp("claude"))
        yield replace(subject, signs_in=True)
