"""The runtime passes the contract with the stand-in of the gateway."""

from collections.abc import Iterator

import pytest

from tests.fakes.openclaw_gateway.openclaw_prompts import gateway, openclaw_subject, stand_in
from xo_cowork_core.sdk.testing import RuntimeContract, RuntimeSubject


class TestOpenClawStandIn(RuntimeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeSubject]:
        folder = tmp_path_factory.mktemp("openclaw")
        with gateway(stand_in(folder), folder, 9) as running:
            yield openclaw_subject(running)
