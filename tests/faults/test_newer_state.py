"""State files of a newer server: the start is refused with one line, and the file is kept."""

from collections.abc import Iterator

import pytest

from xo_cowork_core.sdk.testing import LiveServer

FILES = (
    "connectors/tokens/acme.json",
    "connectors/registrations.json",
    "connectors/flows.json",
    "identity/tokens/xo.json",
    "identity/sign-ins.json",
)
CONTENT = '{"version": 99, "of": "a newer server"}'


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    environment = {"XO_PLUGINS": "none", "CHAT_API_BASE_URL": "http://127.0.0.1:9"}
    server = LiveServer(environment=environment)
    yield server
    server.close()


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_a_newer_server_refuses_the_start_and_is_kept(
    server: LiveServer, name: str
) -> None:
    file = server.state / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(CONTENT)
    before = len(server.log)
    try:
        with pytest.raises(AssertionError, match="was written by a newer server"):
            server.start()
        log = server.log[before:]
        assert name in log
        assert "version 99, this one knows 1" in log
        assert "Traceback" not in log
        assert file.read_text() == CONTENT
        assert not [*file.parent.glob("*.broken-*")]
    finally:
        file.unlink()
