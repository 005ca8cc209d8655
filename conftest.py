"""Options of the whole test run, the seeds of the fault tests, and the order of long files."""

import gc
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

from tests.support.connectors.rclone_port import reserve_rclone_port

ROOT = Path(__file__).parent
ROUNDS = 3
NUMBERS_OF_ROUND = 2
SEED_LIMIT = 500_000
# they take longest, so they begin first: the last worker does not wait for one of them
LONGEST_FIRST = (
    # other sessions of the gateway protect processes, so the stops come before all that make many;
    # a gateway restarted with many sessions is slow for minutes: faults come before the contract
    "tests/real/openclaw/test_openclaw_agents.py",
    "tests/real/openclaw/test_openclaw_stops.py",
    "tests/real/openclaw/test_openclaw_faults.py",
    "tests/real/openclaw/test_openclaw_managed.py",
    "tests/real/opencode/",
    "tests/real/claude/test_claude_contract.py",
    "tests/real/openclaw/test_openclaw_contract.py",
    "tests/real/openclaw/",
    "tests/real/claude/",
    "tests/real/codex/",
    "tests/real/",
    "tests/faults/",
    "tests/packaging/",
    "tests/bench/",
    "tests/broken_plugins/",
    "tests/docs/",
    "tests/sdk/",
    "tests/wire/test_fuzz.py",
    "tests/wire/test_bad_fields.py",
    "tests/cli/",
    "tests/services/processes/",
    "plugins/",
)
REAL = "tests/real/"
# files that share one real gateway, so one worker runs them: those of a tuple, and all others
OPENCLAW = "tests/real/openclaw/"
SHARED_GATEWAYS = (
    ("test_openclaw_faults.py", "test_openclaw_contract.py"),
    ("test_openclaw_managed.py",),
)


class MixedScheduling(LoadFileScheduling):
    """Gives the tests of a file to one worker, and so those of the files that share a gateway.

    Real programs let a processor wait, the other tests use it. Every second worker therefore takes
    the tests of real programs first, the others take the rest first, so that both kinds run beside
    each other until one of them is done.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        if not file.startswith(OPENCLAW):
            return file
        sharing = (names[0] for names in SHARED_GATEWAYS if file.endswith(names))
        return OPENCLAW + next(sharing, "")

    def _assign_work_unit(self, node: WorkerController) -> None:
        takes_real = self.nodes.index(node) % 2 == 0
        preferred = (scope for scope in self.workqueue if scope.startswith(REAL) == takes_real)
        if scope := next(preferred, None):
            self.workqueue.move_to_end(scope, last=False)
        super()._assign_work_unit(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    return MixedScheduling(config, log) if config.option.dist == "loadfile" else None


# before Hypothesis reads its seed
@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Prepare the process for the programs that tests start, and for Hypothesis.

    Hypothesis draws the same examples in each run of a commit, unless `--hypothesis-seed` is given.
    `python3` is this interpreter for them: where a version manager has put a shell script in its
    place, each start takes 0.1 s of CPU. No connection of the run gets the port of rclone.
    """
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = fault_seeds(config)[0]
    if reservation := reserve_rclone_port():
        config.add_cleanup(reservation.close)
    folder = str(Path(sys.base_prefix, "bin"))
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    if folders[0] != folder:
        os.environ["PATH"] = os.pathsep.join([folder, *folders])


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
    given: str = config.option.fault_seeds
    if given:
        return [int(seed) for seed in given.split(",")]
    rounds: int = config.option.fault_rounds
    drawn = random.Random(commit()).sample(range(SEED_LIMIT), rounds)
    # even and odd by turns: some tests choose one of two set-ups by it
    return [2 * seed + number % 2 for number, seed in enumerate(drawn)]


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
    if "fault_number" in metafunc.fixturenames:
        # the same in each run, for tests whose rounds are short
        rounds = len(fault_seeds(metafunc.config))
        metafunc.parametrize("fault_number", range(NUMBERS_OF_ROUND * rounds))


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """Collect no garbage meanwhile: thousands of tests are made, and each stays."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Leave what was made out of every later collection, which is 4 s of CPU of each worker."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the order is otherwise kept."""

    def rank(item: pytest.Item) -> int:
        matches = (n for n, name in enumerate(LONGEST_FIRST) if item.nodeid.startswith(name))
        return next(matches, len(LONGEST_FIRST))

    items.sort(key=rank)
