"""The contract's every operation is served, documented, and answers in both wire styles."""

import re
from pathlib import Path

import pytest

from tests.support.contract.operations import CALLED, ELSEWHERE, OPERATIONS
from tests.support.contract.requests import ContractRequests, expected_status


@pytest.fixture(scope="module")
def served(contract: ContractRequests) -> set[str]:
    """The operations that the server documents."""
    paths = contract.http.get("/openapi.json").json()["paths"]
    return {
        f"{method.upper()} {re.sub('{[^}]*}', '{}', path)}"
        for path, methods in paths.items()
        for method in methods
    }


def test_the_contract_has_157_operations() -> None:
    assert len(OPERATIONS) == len(set(OPERATIONS)) == 157


def test_every_operation_is_documented(served: set[str]) -> None:
    assert [each for each in OPERATIONS if each not in served] == []


@pytest.mark.parametrize("style", ["docs", "spa"])
@pytest.mark.parametrize("operation", CALLED)
def test_an_operation_answers_in_both_styles(
    contract: ContractRequests, operation: str, style: str
) -> None:
    answer = contract.request(operation, style)
    assert answer.status_code in expected_status(operation), answer.text


@pytest.mark.parametrize("operation", ELSEWHERE)
def test_an_operation_that_is_not_called_here_has_a_test_of_its_own(operation: str) -> None:
    file = Path(__file__).parents[2] / ELSEWHERE[operation]
    assert operation.split()[1] in file.read_text()
