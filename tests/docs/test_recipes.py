"""Each recipe of the architecture page works in a copy of the core."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from tests.docs.pages import ROOT
from tests.docs.recipes import apply_recipe, changed_files, copy_core, recipe_blocks
from xo_cowork_core.sdk.testing import Chat, LiveServer

FAMILY, STREAM_FORMAT = "Add a route family", "Add a stream format"
TOKEN = "recipe-token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
MAX_FILES = 3


def start_server(recipe: str, folder: Path, **environment: str) -> LiveServer:
    """Return a server of a core to which one recipe is applied; it is not started yet."""
    apply_recipe(recipe_blocks(recipe), copy_core(folder))
    plugins = {"XO_PLUGINS": "runtime_demo"}
    return LiveServer(environment=plugins | environment, python_path=[folder])


@pytest.fixture(scope="module")
def family_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("family")
    with start_server(FAMILY, folder, XO_API_TOKEN=TOKEN) as server:
        yield server


@pytest.fixture(scope="module")
def format_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with start_server(STREAM_FORMAT, tmp_path_factory.mktemp("format")) as server:
        yield server


def read_lines(server: LiveServer, stream_id: str) -> tuple[httpx.Response, Sequence[dict]]:
    response = server.client.get(f"/api/chat/stream/{stream_id}?format=ndjson")
    return response, [json.loads(line) for line in response.text.splitlines()]


@pytest.mark.parametrize("recipe", [FAMILY, STREAM_FORMAT])
def test_a_recipe_changes_at_most_three_files(recipe: str) -> None:
    assert 1 < len(changed_files(recipe_blocks(recipe))) <= MAX_FILES


@pytest.mark.parametrize("recipe", [FAMILY, STREAM_FORMAT])
def test_the_code_of_a_recipe_passes_the_projects_checks(recipe: str, tmp_path: Path) -> None:
    blocks = recipe_blocks(recipe)
    apply_recipe(blocks, copy_core(tmp_path))
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    for command in (["format", "--check"], ["check"]):
        checked = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *sorted(changed_files(blocks))],
            check=False,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_new_family_answers(family_server: LiveServer) -> None:
    answer = family_server.client.get("/api/badge/projects", headers=BEARER)
    assert (answer.status_code, answer.json()) == (200, {"projects": {}})


def test_the_new_family_is_in_the_document_with_its_tag(family_server: LiveServer) -> None:
    document = family_server.client.get("/openapi.json", headers=BEARER).json()
    assert document["paths"]["/api/badge"]["get"]["tags"] == ["badge"]
    assert "badge" in [tag["name"] for tag in document["tags"]]
    assert "BadgeResponse" in document["components"]["schemas"]


def test_the_new_family_is_behind_the_access_gate(family_server: LiveServer) -> None:
    assert family_server.client.get("/api/badge/projects").status_code == 401
    refused = family_server.client.get("/api/badge", headers={"Host": "attacker.example"})
    assert refused.status_code == 403


def test_the_policy_of_the_new_family_is_applied(family_server: LiveServer) -> None:
    answer = family_server.client.get("/api/badge")
    assert (answer.status_code, answer.json()) == (200, {"running_turns": 0})


def test_a_turn_can_be_read_in_the_new_format(format_server: LiveServer) -> None:
    chat = Chat(format_server, "demo")
    turn = chat.run_turn("tools")
    response, lines = read_lines(format_server, turn.stream_id)
    assert response.headers["content-type"].partition(";")[0] == "application/x-ndjson"
    frames = [(frame.id, frame.event, frame.data) for frame in turn.frames if frame.id]
    assert [(line["id"], line["event"], line["data"]) for line in lines] == frames
    assert lines[-1]["event"] == "done"


def test_a_missing_stream_is_reported_in_the_new_format(format_server: LiveServer) -> None:
    _, lines = read_lines(format_server, "no-such-stream")
    assert lines == [{"event": "error", "data": {"error_message": "Stream not found"}}]


def test_server_sent_events_stay_the_default_beside_the_new_format(
    format_server: LiveServer,
) -> None:
    missing = format_server.client.get("/api/chat/stream/no-such-stream")
    assert missing.headers["content-type"].startswith("text/event-stream")
