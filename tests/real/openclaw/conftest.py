"""Fixtures of the tests that run against the real gateway and the fake."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.fakes.openclaw_gateway.openclaw_prompts import (
    GatewayProcess,
    chat_model,
    environment,
    fake_openclaw,
    gateway,
    real_binary,
)
from xo_cowork_core.sdk.testing import Chat, LiveServer

OpenChat = Callable[..., Chat]
NO_TOOLCHAIN = "the real CLIs are not here: run `make toolchain`"


@pytest.fixture(scope="session")
def chat_model_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of the fake model API's requests."""
    return tmp_path_factory.mktemp("chat-model") / "requests.jsonl"


@pytest.fixture(scope="session")
def chat_model_port(chat_model_log: Path) -> Iterator[int]:
    """The port of the fake model API."""
    with chat_model(chat_model_log) as port:
        yield port


@pytest.fixture(scope="session")
def real_openclaw(
    tmp_path_factory: pytest.TempPathFactory, chat_model_port: int
) -> Iterator[GatewayProcess]:
    """The real gateway, whose start and first turn take 16 s of CPU.

    All tests share it but those of a gateway that is restarted or managed; they remove the agents
    that they create.
    """
    with _real_gateway(tmp_path_factory, chat_model_port) as running:
        yield running


@pytest.fixture(scope="session")
def restarted_openclaw(
    tmp_path_factory: pytest.TempPathFactory, chat_model_port: int
) -> Iterator[GatewayProcess]:
    """The real gateway that a test restarts, then shared with the contract."""
    with _real_gateway(tmp_path_factory, chat_model_port) as running:
        yield running


@contextmanager
def _real_gateway(
    tmp_path_factory: pytest.TempPathFactory, chat_model_port: int
) -> Iterator[GatewayProcess]:
    binary = real_binary()
    if binary is None:
        pytest.skip(NO_TOOLCHAIN)
    with gateway(binary, tmp_path_factory.mktemp("openclaw"), chat_model_port) as running:
        yield running


@pytest.fixture(scope="module", params=["fake", pytest.param("real", marks=pytest.mark.real)])
def openclaw(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, chat_model_port: int
) -> Iterator[GatewayProcess]:
    """A gateway that a module's tests share; one that is restarted with `RESTARTS_GATEWAY`."""
    if request.param == "real":
        restarts = getattr(request.module, "RESTARTS_GATEWAY", False)
        yield request.getfixturevalue("restarted_openclaw" if restarts else "real_openclaw")
        return
    folder = tmp_path_factory.mktemp("openclaw")
    with gateway(fake_openclaw(folder), folder, chat_model_port) as running:
        yield running


@pytest.fixture
def open_chat(openclaw: GatewayProcess) -> Iterator[OpenChat]:
    """Start a server of its own with more environment, and talk to it."""
    with ExitStack() as stack:

        def start(**more: str) -> Chat:
            values = {"XO_PLUGINS": "runtime_openclaw", **environment(openclaw.url), **more}
            server = stack.enter_context(LiveServer(environment=values))
            return Chat(server, "openclaw")

        yield start


@pytest.fixture(scope="module")
def chat(openclaw: GatewayProcess) -> Iterator[Chat]:
    """Talk to one server that a module's tests share."""
    values = {"XO_PLUGINS": "runtime_openclaw", **environment(openclaw.url)}
    with LiveServer(environment=values) as server:
        yield Chat(server, "openclaw")
