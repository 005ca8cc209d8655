"""A runtime that has only `run` passes the runtime contract."""

from collections.abc import Iterator

import pytest

from xo_cowork_core.sdk.testing import RuntimeContract, RuntimeSubject, scripted_subject


class TestScripted(RuntimeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeSubject]:
        yield scripted_subject(tmp_path_factory.mktemp("scripted"))
