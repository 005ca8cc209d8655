"""Options of the whole test run, the seeds of the fault tests, and the order of long files."""

import random
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

ROOT = Path(__file__).parent
ROUNDS = 4
SEED_LIMIT = 1_000_000
# they take longest, so they begin first: the last worker does not wait for one of them
LONGEST_FIRST = (
    # other sessions of the gateway protect processes, so the stops come before all that make many
    "tests/real/openclaw/test_openclaw_agents.py",
    "tests/real/openclaw/test_openclaw_stops.py",
    "tests/real/opencode/",
    "tests/real/openclaw/test_openclaw_managed.py",
    "tests/real/openclaw/test_openclaw_faults.py",
    "tests/real/claude/test_claude_contract.py",
    "tests/real/openclaw/test_openclaw_contract.py",
    "tests/real/openclaw/",
    "tests/real/claude/",
    "tests/real/codex/",
    "tests/faults/",
    "tests/bench/",
    "tests/packaging/",
    "tests/sdk/",
    "tests/real/",
    "tests/docs/",
    "tests/broken_plugins/",
    "plugins/runtime_openclaw/",
    "tests/wire/test_fuzz.py",
    "tests/cli/",
    "tests/services/processes/",
)
# the files here share one real gateway, so one worker runs them all; these have their own
ONE_GATEWAY = "tests/real/openclaw/"
OWN_GATEWAYS = (
    "test_openclaw_contract.py",
    "test_openclaw_faults.py",
    "test_openclaw_managed.py",
)


class SharedGatewayScheduling(LoadFileScheduling):
    """Gives the tests of a file to one worker, and so those of the files that share a gateway."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        is_shared = file.startswith(ONE_GATEWAY) and not file.endswith(OWN_GATEWAYS)
        return ONE_GATEWAY if is_shared else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    return SharedGatewayScheduling(config, log) if config.option.dist == "loadfile" else None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fault-rounds",
        type=int,
        default=ROUNDS,
        help=f"rounds of each seeded fault test (default {ROUNDS})",
    )
    parser.addoption(
        "--fault-seeds",
        default="",
        help="seeds of the fault tests with commas between them (default: drawn from the commit)",
    )


def fault_seeds(config: pytest.Config) -> Sequence[int]:
    """Return the seeds of this run: those that were asked for, or drawn from the commit's id."""
    given: str = config.getoption("--fault-seeds")
    if given:
        return [int(seed) for seed in given.split(",")]
    return random.Random(commit()).sample(range(SEED_LIMIT), config.getoption("--fault-rounds"))


def commit() -> str:
    """Return the commit's id, empty outside a git clone."""
    command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


@pytest.fixture(scope="session")
def fault_rounds(pytestconfig: pytest.Config) -> int:
    """Return how many rounds a seeded test has in this run."""
    return len(fault_seeds(pytestconfig))


@pytest.fixture(scope="session")
def run_seed(pytestconfig: pytest.Config) -> int:
    """Return one seed for the run, for a test that makes all its rounds from one."""
    return fault_seeds(pytestconfig)[0]


def pytest_report_header(config: pytest.Config) -> str:
    seeds = ",".join(map(str, fault_seeds(config)))
    return f"fault tests: repeat these rounds with --fault-seeds {seeds}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "fault_seed" in metafunc.fixturenames:
        metafunc.parametrize("fault_seed", fault_seeds(metafunc.config))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the order is otherwise kept."""

    def rank(item: pytest.Item) -> int:
        matches = (n for n, name in enumerate(LONGEST_FIRST) if item.nodeid.startswith(name))
        return next(matches, len(LONGEST_FIRST))

    items.sort(key=rank)
