"""The example runtimes pass the contract, in the length that the page promises."""

import pytest

from tests.docs.example_subjects import EXAMPLES, install_jsonl
from xo_cowork_core.sdk.testing import RuntimeContract, RuntimeSubject

MAX_LINES = {"acp_runtime.py": 80, "jsonl_runtime.py": 45}


@pytest.mark.parametrize("name", MAX_LINES)
def test_an_example_is_short(name: str) -> None:
    assert len((EXAMPLES / name).read_text().splitlines()) <= MAX_LINES[name]


class TestJsonLines(RuntimeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls, tmp_path_factory: pytest.TempPathFactory) -> RuntimeSubject:
        return install_jsonl(tmp_path_factory.mktemp("jsonl"))
