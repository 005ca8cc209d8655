"""Claude Code, the real one of the toolchain and the fake, against a model on the loopback."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fakes.claude_cli.claude_prompts import FAKE_CLI, environment, model_api
from tests.support.priced_server import priced_server
from xo_cowork_core.sdk.testing import Chat

OpenChat = Callable[..., Chat]


@pytest.fixture(scope="session", params=["fake", pytest.param("real", marks=pytest.mark.real)])
def claude(request: pytest.FixtureRequest) -> Path:
    """Both: the same tests run against the real one and the fake."""
    if request.param == "fake":
        return FAKE_CLI
    return request.getfixturevalue("real_claude")


@pytest.fixture(scope="session")
def model_port() -> Iterator[int]:
    """The port of the fake model API."""
    with model_api() as port:
        yield port


@pytest.fixture
def open_chat(claude: Path, model_port: int, tmp_path: Path) -> Iterator[OpenChat]:
    """Start a server of its own with more environment, and talk to it."""
    with ExitStack() as stack:

        def start(**more: str) -> Chat:
            values = {"XO_PLUGINS": "runtime_claude", "XO_PERMISSION_MODE": "ask"}
            values |= environment(claude, model_port, tmp_path / "claude") | more
            server = priced_server({k: v for k, v in values.items() if v})
            return Chat(stack.enter_context(server), "claude_code")

        yield start


@pytest.fixture(scope="module")
def chat(claude: Path, model_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chat]:
    """Talk to one server that a module's tests share."""
    config = tmp_path_factory.mktemp("claude")
    values = {"XO_PLUGINS": "runtime_claude", "XO_PERMISSION_MODE": "ask"}
    values |= environment(claude, model_port, config)
    with priced_server(values) as server:
        yield Chat(server, "claude_code")


@pytest.fixture(scope="module")
def shared_session(chat: Chat) -> str:
    """A session for the tests that need none of their own: a new one is a start of the CLI."""
    return chat.run_turn("[[text first]]").session_id
