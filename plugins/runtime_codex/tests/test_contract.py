"""The runtime passes the contract with the fake CLI."""

from collections.abc import Iterator

import pytest

from tests.fakes.codex_cli.codex_prompts import FAKE_CLI, codex_subject
from xo_cowork_core.sdk.testing import RuntimeContract, RuntimeSubject


class TestFakeCodex(RuntimeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeSubject]:
        yield codex_subject(FAKE_CLI, 9, tmp_path_factory.mktemp("codex"))
