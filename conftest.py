"""Options of the whole test run."""

import pytest

CI_ROUNDS = 20


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fault-rounds",
        type=int,
        default=CI_ROUNDS,
        help=f"rounds of each seeded fault test (default {CI_ROUNDS})",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "fault_seed" in metafunc.fixturenames:
        rounds = metafunc.config.getoption("--fault-rounds")
        metafunc.parametrize("fault_seed", range(1, rounds + 1))
