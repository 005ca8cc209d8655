"""The runtime passes the contract with the stand-in of the gateway."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from xo_cowork_core.sdk.testing import RuntimeContract, RuntimeSubject

sys.path.append(str(Path(__file__).parents[3] / "tests" / "fakes" / "openclaw_gateway"))
from openclaw_prompts import gateway, openclaw_subject, stand_in


class TestOpenClawStandIn(RuntimeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeSubject]:
        folder = tmp_path_factory.mktemp("openclaw")
        with gateway(stand_in(folder), folder, 9) as running:
            yield openclaw_subject(running)
