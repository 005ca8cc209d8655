"""The real Codex passes the runtime contract."""

from collections.abc import Iterator

import pytest

from tests.fakes.codex_cli.codex_prompts import ABSENT, codex_subject, real_codex, responses_api
from xo_cowork_core.sdk.testing import RuntimeContract, RuntimeSubject


@pytest.mark.real
class TestCodex(RuntimeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeSubject]:
        binary = real_codex()
        if binary is None:
            pytest.skip(ABSENT)
        with responses_api() as port:
            yield codex_subject(binary, port, tmp_path_factory.mktemp("codex"))
