"""What a project's agents may get of the connectors."""

import stat
from collections.abc import Iterator

import pytest

from xo_cowork_core.sdk.testing import LiveServer

DEFAULT = {"mcp": True, "raw_tokens": False}


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    """A server that tests restart."""
    with LiveServer(environment={"XO_PLUGINS": "none"}) as running:
        yield running


def _path(project: str) -> str:
    return f"/api/xo-projects/{project}/connectors"


def test_a_project_has_the_default_until_it_is_changed(server: LiveServer) -> None:
    (server.projects / "one").mkdir(exist_ok=True)
    (server.projects / "two").mkdir(exist_ok=True)
    assert server.client.get(_path("one")).json() == DEFAULT
    for change, result in (
        ({"mcp": False}, {"mcp": False, "raw_tokens": False}),
        ({"raw_tokens": True}, {"mcp": False, "raw_tokens": True}),
        ({"mcp": ["vercel", "acme"]}, {"mcp": ["acme", "vercel"], "raw_tokens": True}),
        ({}, {"mcp": ["acme", "vercel"], "raw_tokens": True}),
        ({"mcp": []}, {"mcp": [], "raw_tokens": True}),
    ):
        assert server.client.patch(_path("one"), json=change).json() == result
        assert server.client.get(_path("one")).json() == result
    assert server.client.get(_path("two")).json() == DEFAULT
    server.restart()
    assert server.client.get(_path("one")).json() == {"mcp": [], "raw_tokens": True}
    file = server.state / "connectors" / "projects.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not (server.projects / "one" / ".xo").exists()


@pytest.mark.parametrize(
    "body",
    [{"mcp": "yes"}, {"mcp": 1}, {"mcp": ["A b"]}, {"mcp": [True]}, {"mcp": {}}, {"raw_tokens": 1}],
)
def test_a_value_of_another_type_is_refused_and_changes_nothing(
    server: LiveServer, body: dict[str, object]
) -> None:
    (server.projects / "three").mkdir(exist_ok=True)
    answer = server.client.patch(_path("three"), json=body)
    assert answer.status_code == 400
    assert server.client.get(_path("three")).json() == DEFAULT


def test_an_unknown_project_is_not_found(server: LiveServer) -> None:
    assert server.client.get(_path("absent")).status_code == 404
    assert server.client.patch(_path("absent"), json={"mcp": False}).status_code == 404


def test_a_damaged_file_allows_no_more_than_the_default(server: LiveServer) -> None:
    (server.projects / "four").mkdir(exist_ok=True)
    server.client.patch(_path("four"), json={"raw_tokens": True})
    file = server.state / "connectors" / "projects.json"
    server.terminate()
    file.write_text('{"version": 1, "projects": {"four": {"mcp": "yes", "raw_tokens": "yes"}}}')
    server.start()
    assert server.client.get(_path("four")).json() == {"mcp": False, "raw_tokens": False}
    server.terminate()
    file.write_text("{")
    server.start()
    assert server.client.get(_path("four")).json() == DEFAULT
    assert list(file.parent.glob("projects.json.broken-*"))
