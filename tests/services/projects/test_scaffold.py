"""A scaffold makes every file of the contract, keeps what is there and completes what was cut."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from xo_cowork_core.sdk import BadRequest
from xo_cowork_core.services.clock import SystemClock
from xo_cowork_core.services.projects.files import ProjectFiles
from xo_cowork_core.services.projects.names import project_id
from xo_cowork_core.services.projects.projects import Projects
from xo_cowork_core.services.projects.scaffold import unscaffolded

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
def projects(tmp_path: Path) -> Iterator[Projects]:
    made = Projects(ProjectFiles(tmp_path / "projects"), SystemClock())
    yield made
    asyncio.run(made.close())


def scaffold(projects: Projects, name: str, **given: str) -> Path:
    return asyncio.run(projects.scaffold(name, **given))


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def card(folder: Path) -> dict[str, object]:
    return json.loads((folder / ".xo" / "project.json").read_text())


def test_every_file_of_the_contract_is_made_and_no_other(projects: Projects) -> None:
    folder = scaffold(projects, "Über Name!", description="What it does")
    assert folder.name == "ber-name"
    assert files(folder) == WANTED
    assert "@AGENTS.md" in (folder / "CLAUDE.md").read_text()
    assert (folder / "PROJECT.md").read_text().startswith("# Über Name!\n\nWhat it does\n")
    shown = {"schema": 1, "name": "ber-name", "display_name": "Über Name!"}
    assert shown.items() <= card(folder).items()
    assert set(card(folder)) == {
        "schema",
        "pid",
        "name",
        "display_name",
        "description",
        "owner_user_id",
        "created_at",
    }


def test_no_mark_of_the_template_is_left_but_its_own(projects: Projects) -> None:
    folder = scaffold(projects, "plain")
    for path in folder.rglob("*.md"):
        assert "{{" not in path.read_text(), path
    assert "[TEMPLATE]" in (folder / "PROGRESS.md").read_text()


def test_existing_files_are_kept_and_missing_ones_made(projects: Projects) -> None:
    folder = scaffold(projects, "mine", display_name="Mine", description="Kept")
    (folder / "PLAN.md").write_text("my plan")
    (folder / "AGENTS.md").unlink()
    known = card(folder) | {"colour": "red"}
    (folder / ".xo" / "project.json").write_text(json.dumps(known))
    scaffold(projects, "mine")
    assert (folder / "PLAN.md").read_text() == "my plan"
    assert files(folder) == WANTED
    assert card(folder) == known
    scaffold(projects, "mine", display_name="Ours")
    assert card(folder) == known | {"display_name": "Ours"}


def test_what_a_killed_scaffold_left_is_completed(projects: Projects) -> None:
    folder = scaffold(projects, "cut")
    (folder / ".xo" / "project.json").unlink()
    (folder / "PLAN.md").unlink()
    (folder / ".PLAN.md.new").write_text("half")
    assert unscaffolded(folder)
    scaffold(projects, "cut")
    assert files(folder) == WANTED
    assert not unscaffolded(folder)


def test_a_broken_card_is_moved_aside(projects: Projects) -> None:
    folder = scaffold(projects, "broken", display_name="Name")
    (folder / ".xo" / "project.json").write_text('{"display_name": "Na')
    scaffold(projects, "broken", display_name="Name")
    assert card(folder)["display_name"] == "Name"
    (aside,) = (folder / ".xo").glob("project.json.broken-*")
    assert aside.read_text() == '{"display_name": "Na'


def test_no_link_leads_a_scaffold_out_of_the_projects_root(
    projects: Projects, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    folder = scaffold(projects, "linked")
    (folder / "PLAN.md").unlink()
    (folder / "PLAN.md").symlink_to(outside / "PLAN.md")
    scaffold(projects, "linked")
    assert (folder / "PLAN.md").is_symlink()
    (tmp_path / "projects" / "away").symlink_to(outside)
    with pytest.raises(Exception, match="Project not found"):
        scaffold(projects, "away")
    assert files(outside) == set()


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
    assert project_id(name) == wanted


@pytest.mark.parametrize("name", ["", "!!!", "---", "日本"])
def test_a_name_without_a_letter_or_digit_is_refused(name: str) -> None:
    with pytest.raises(BadRequest):
        project_id(name)
