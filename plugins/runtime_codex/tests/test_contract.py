"""The runtime passes the contract with the stand-in of the CLI."""

from collections.abc import Iterator

import pytest

from tests.fakes.codex_cli.codex_prompts import STAND_IN, codex_subject
from xo_cowork_core.sdk.testing import RuntimeContract, RuntimeSubject


class TestCodexStandIn(RuntimeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeSubject]:
        yield codex_subject(STAND_IN, 9, tmp_path_factory.mktemp("codex"))
