"""The runtime passes the contract with the real gateway and a fake model API."""

from collections.abc import Iterator

import pytest

from tests.fakes.openclaw_gateway.openclaw_prompts import (
    chat_model,
    gateway,
    openclaw_subject,
    real_binary,
)
from xo_cowork_core.sdk.testing import RuntimeContract, RuntimeSubject


@pytest.mark.real
class TestOpenClaw(RuntimeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeSubject]:
        binary = real_binary()
        if binary is None:
            pytest.skip("the real CLIs are not here: run `make toolchain`")
        folder = tmp_path_factory.mktemp("openclaw")
        with chat_model() as port, gateway(binary, folder, port) as running:
            yield openclaw_subject(running)
