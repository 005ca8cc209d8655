"""The runtime passes the contract with the fake gateway."""

from collections.abc import Iterator

import pytest

from tests.fakes.openclaw_gateway.openclaw_prompts import fake_openclaw, gateway, openclaw_subject
from xo_cowork_core.sdk.testing import RuntimeContract, RuntimeSubject


class TestFakeOpenClaw(RuntimeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeSubject]:
        folder = tmp_path_factory.mktemp("openclaw")
        with gateway(fake_openclaw(folder), folder, 9) as running:
            yield openclaw_subject(running)
