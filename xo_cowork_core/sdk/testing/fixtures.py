"""Pytest fixtures to import into a conftest: `live_server` and `scripted`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from xo_cowork_core.sdk.testing.scripted import scripted_subject
from xo_cowork_core.sdk.testing.server import LiveServer
from xo_cowork_core.sdk.testing.subject import RuntimeSubject


@pytest.fixture
def live_server() -> Iterator[Callable[..., LiveServer]]:
    """Return a function that starts a `LiveServer`, with arguments of that name.

    The servers end with the test.
    """
    with ExitStack() as running:

        def start(
            environment: Mapping[str, str] | None = None,
            python_path: Sequence[Path] = (),
            *,
            fresh: bool = False,
        ) -> LiveServer:
            server = LiveServer(environment=environment, python_path=python_path, fresh=fresh)
            return running.enter_context(server)

        yield start


@pytest.fixture(scope="session")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> RuntimeSubject:
    """Install `ScriptedRuntime` in a temporary folder and return it as a contract subject."""
    return scripted_subject(tmp_path_factory.mktemp("scripted"))
