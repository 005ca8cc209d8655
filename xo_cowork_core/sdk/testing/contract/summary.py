"""Lists at the end of a test run which cases a subject skipped, by what it does not declare."""

from collections import Counter, defaultdict

import pytest

from xo_cowork_core.sdk.testing.contract.skips import REASON

NAME = "xo_cowork_contract_summary"


class ContractSummary:
    """A plugin of pytest. The contract registers it when its first case is set up."""

    def __init__(self) -> None:
        self._passed: Counter[str] = Counter()
        self._skipped: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the cases of each class."""
        subject = "::".join(report.nodeid.split("::")[:-1])
        if report.when == "call" and report.passed:
            self._passed[subject] += 1
        elif report.skipped and isinstance(report.longrepr, tuple):
            _, mark, feature = str(report.longrepr[2]).partition(REASON)
            if mark:
                self._skipped[subject][feature] += 1

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print one line for each class with skipped cases."""
        for subject, features in self._skipped.items():
            names = ", ".join(f"{name} ({count})" for name, count in features.most_common())
            terminalreporter.write_line(
                f"{subject}: {self._passed[subject]} cases passed,"
                f" {features.total()} were skipped because the subject declares no: {names}"
            )


def register_summary(config: pytest.Config) -> None:
    """Register the plugin once for each run."""
    if not config.pluginmanager.has_plugin(NAME):
        config.pluginmanager.register(ContractSummary(), NAME)
