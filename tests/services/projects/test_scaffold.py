"""A scaffold makes every file of the contract."""

import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from xo_cowork_core.sdk import BadRequest
from xo_cowork_core.services.projects.scaffold import ProjectTexts, scaffold
from xo_cowork_core.services.workspace import project_id_from
from xo_cowork_core.storage.folder_handle import FolderHandle

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
WANTED = {
    "AGENTS.md",
    "CLAUDE.md",
    "PROJECT.md",
    "OBJECTIVES.md",
    "PLAN.md",
    "PROGRESS.md",
    "memory/semantic/preferences.md",
    "memory/semantic/project-facts.md",
    "memory/semantic/constraints.md",
    "memory/episodic/README.md",
    "memory/procedural/README.md",
    "memory/working/.gitkeep",
    ".xo/project.json",
    ".xo/todos.json",
    ".xo/stats.json",
    ".xo/activity.json",
    ".xo/sync.json",
    ".xo/peers.json",
    ".xo/timeline.jsonl",
    ".xo/sessions/sessionslist.json",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    project.mkdir()
    return project


def fill(folder: Path, name: str, description: str | None = None) -> None:
    with FolderHandle.open(folder) as handle:
        scaffold(handle, name, ProjectTexts(description=description), NOW)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def metadata(folder: Path) -> dict[str, object]:
    return json.loads((folder / ".xo" / "project.json").read_text())


def test_every_file_of_the_contract_is_made_and_no_other(folder: Path) -> None:
    fill(folder, "Über Name!", "What it does")
    assert files(folder) == WANTED
    assert "@AGENTS.md" in (folder / "CLAUDE.md").read_text()
    assert (folder / "PROJECT.md").read_text().startswith("# Über Name!\n\nWhat it does\n")
    shown = {"schema": 1, "name": "ber-name", "display_name": "Über Name!"}
    assert shown.items() <= metadata(folder).items()
    assert set(metadata(folder)) == {
        "$schema",
        "_template",
        "schema",
        "pid",
        "name",
        "display_name",
        "description",
        "owner_user_id",
        "created_at",
    }


def test_no_placeholder_is_left_in_the_scaffold(folder: Path) -> None:
    fill(folder, "plain")
    for path in folder.rglob("*.md"):
        assert "{{" not in path.read_text(), path
    assert "[TEMPLATE]" in (folder / "PROGRESS.md").read_text()


def test_the_agents_page_names_what_is_there_and_its_command_finds_the_blanks(folder: Path) -> None:
    fill(folder, "plain")
    page = (folder / "AGENTS.md").read_text()
    named = re.findall(r"`([\w./-]+(?:\.md|\.jsonl?|/))`", page)
    assert {".xo/todos.json", ".xo/timeline.jsonl", "PLAN.md", "memory/working/"} <= set(named)
    for name in named:
        assert (folder / name).exists() or (folder / "memory/semantic" / name).exists(), name
    (command,) = re.findall(r"`(grep .*?)` finds", page)
    result = subprocess.run(
        command, shell=True, cwd=folder, capture_output=True, text=True, check=True
    )
    assert {"./PLAN.md", "./PROJECT.md"} <= {
        line.split(":")[0] for line in result.stdout.splitlines()
    }


def test_a_placeholder_in_a_persons_text_stays(folder: Path) -> None:
    fill(folder, "My {{description}}", "On {{display_name}}")
    text = (folder / "PROJECT.md").read_text()
    assert text.startswith("# My {{description}}\n\nOn {{display_name}}\n")


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Über Name!", "ber-name"),
        ("My_Project-2", "my_project-2"),
        ("  --x--  ", "x"),
        ("a/../b", "a-b"),
        ("x" * 63 + "-y", "x" * 63),
        ("y" * 200, "y" * 64),
    ],
)
def test_a_name_becomes_an_id(name: str, wanted: str) -> None:
    assert project_id_from(name) == wanted


@pytest.mark.parametrize("name", ["", "!!!", "---", "日本"])
def test_a_name_without_a_letter_or_digit_is_refused(name: str) -> None:
    with pytest.raises(BadRequest):
        project_id_from(name)


def test_the_metadata_names_its_schema_and_is_marked_as_a_template(folder: Path) -> None:
    fill(folder, "Garden")
    written = metadata(folder)
    schema = Path(__file__).parents[3] / "docs" / "schemas" / "project.schema.json"
    assert written["$schema"] == json.loads(schema.read_text())["$id"]
    assert (written["schema"], written["_template"]) == (1, True)
