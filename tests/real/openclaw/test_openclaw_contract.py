"""The runtime passes the contract with the real gateway and a fake model API."""

import pytest

from tests.fakes.openclaw_gateway.openclaw_prompts import GatewayProcess, openclaw_subject
from xo_cowork_core.sdk.testing import RuntimeContract, RuntimeSubject


@pytest.mark.real
class TestOpenClaw(RuntimeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls, restarted_openclaw: GatewayProcess) -> RuntimeSubject:
        return openclaw_subject(restarted_openclaw)
