"""Workspace memory, and the lists that runtimes fill (contract §6)."""

import os
from pathlib import Path
from typing import Any

import pytest

from xo_cowork_core.sdk.testing import LiveServer, install_plugin

URL = "/api/workspace-memory"
SKILLED = """
from xo_cowork_core.sdk import OffersSkills, Runtime, RuntimeInfo, Skill, TextDelta, hookimpl

class Skilled(Runtime, OffersSkills):
    def __init__(self, name):
        self.name = name
    def describe(self):
        return RuntimeInfo(self.name, self.name)
    async def run(self, turn):
        yield TextDelta("x")
    async def skills(self, cwd):
        if self.name == "raising":
            raise SystemExit("no")
        return [Skill("look", "Looks at " + cwd.name, cwd / "SKILL.md", "project")]

class Plugin:
    @hookimpl
    def xo_runtimes(self, context):
        return [Skilled("skilled"), Skilled("raising")]

plugin = Plugin()
"""


@pytest.fixture
def semantic(project: Path) -> Path:
    """Where that project keeps its memory."""
    return project / "memory" / "semantic"


def read(server: LiveServer, workspace: str) -> Any:
    answer = server.client.get(URL, params={"workspace": workspace})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["memory"] == body["content"]
    return body


def put(server: LiveServer, workspace: str, **body: Any) -> Any:
    return server.client.put(URL, params={"workspace": workspace}, json=body)


def test_memory_is_the_files_joined(server: LiveServer, semantic: Path) -> None:
    for file in semantic.iterdir():
        file.unlink()
    (semantic / "project-facts.md").write_text("fact")
    (semantic / "constraints.md").write_text("constraint\n")
    (semantic / "notes.txt").write_text("no")
    project = semantic.parents[1]
    body = read(server, project.name)
    assert body["memory"] == "fact\n<!-- memory/semantic/constraints.md -->\nconstraint\n"
    assert body["workspace_path"] == str(project)
    assert body["time_updated"]
    assert read(server, str(semantic)) == body
    assert read(server, f"~/xo-projects/{project.name}") == body


def test_a_text_without_marks_goes_into_the_facts(server: LiveServer, semantic: Path) -> None:
    before = (semantic / "constraints.md").read_text()
    answer = put(server, semantic.parents[1].name, memory="all that is known")
    assert answer.status_code == 200, answer.text
    assert (semantic / "project-facts.md").read_text() == "all that is known"
    assert (semantic / "constraints.md").read_text() == before


def test_what_was_read_can_be_changed_and_put_back(server: LiveServer, semantic: Path) -> None:
    project = semantic.parents[1].name
    text = read(server, project)["memory"]
    changed = "new first\n" + text.replace("# Constraints", "# Changed") + "last\n"
    assert put(server, project, memory=changed).json()["memory"] == changed
    assert (semantic / "constraints.md").read_text().startswith("# Changed")
    assert (semantic / "project-facts.md").read_text().startswith("new first\n# Project facts")
    assert (semantic / "preferences.md").read_text().endswith("last\n")


def test_a_mark_that_comes_twice_loses_neither_text(server: LiveServer, semantic: Path) -> None:
    mark = "<!-- memory/semantic/constraints.md -->"
    text = f"fact\n{mark}\nfirst\n<!-- memory/semantic/preferences.md -->\nliked\n{mark}\nsecond"
    assert put(server, semantic.parents[1].name, memory=text).status_code == 200
    assert (semantic / "constraints.md").read_text() == "first\nsecond"
    assert (semantic / "preferences.md").read_text() == "liked\n"


def test_a_mark_of_an_unknown_file_makes_none(server: LiveServer, semantic: Path) -> None:
    before = sorted(semantic.iterdir())
    text = "<!-- memory/semantic/other.md -->\n<!-- memory/semantic/../x.md -->\n"
    assert put(server, semantic.parents[1].name, memory=text).status_code == 200
    assert sorted(semantic.iterdir()) == before
    assert (semantic / "project-facts.md").read_text() == text


def test_no_link_is_read_or_written(server: LiveServer, semantic: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("secret")
    (semantic / "leak.md").symlink_to(secret)
    (semantic / "project-facts.md").unlink()
    (semantic / "project-facts.md").symlink_to(secret)
    os.mkfifo(semantic / "pipe.md")
    project = semantic.parents[1].name
    assert "secret" not in read(server, project)["memory"]
    assert put(server, project, memory="mine").status_code == 200
    assert secret.read_text() == "secret"
    assert (semantic / "project-facts.md").read_text() == "mine"


@pytest.mark.parametrize(
    ("workspace", "status"),
    [("nope", 404), ("/etc", 403), ("..", 400), ("~/nope", 404), ("/a\0b", 400), (".xo", 400)],
)
def test_a_wrong_workspace_is_refused(server: LiveServer, workspace: str, status: int) -> None:
    answer = server.client.get(URL, params={"workspace": workspace})
    assert answer.status_code == status, answer.text
    assert put(server, workspace, memory="x").status_code == status


def test_a_folder_of_no_project_has_an_empty_memory_that_cannot_be_written(
    server: LiveServer,
) -> None:
    empty = {"memory": "", "content": "", "workspace_path": None, "time_updated": None}
    assert read(server, "~") == empty
    assert read(server, "") == empty
    assert put(server, "~", memory="x").status_code == 400
    assert put(server, "", memory="x").status_code == 400
    assert not (server.home / "memory").exists()


def test_the_frontends_names_are_accepted(server: LiveServer, semantic: Path) -> None:
    path = str(semantic.parents[1])
    body = {"workspace_path": path, "content": "all that is known"}
    written = server.client.put(URL, json=body).json()
    assert written["content"].startswith("all that is known\n")
    assert written["workspace_path"] == path
    answer = server.client.get(URL, params={"workspace_path": path})
    assert answer.json() == written
    answer = server.client.put(URL, params={"workspace_path": path}, json={"content": "less"})
    assert answer.json()["memory"].startswith("less\n")


def test_a_memory_must_be_a_text_that_fits(server: LiveServer, semantic: Path) -> None:
    project = semantic.parents[1].name
    assert put(server, project).status_code == 400
    assert put(server, project, memory=5).status_code == 400
    assert put(server, project, memory="ü" * 600_000).status_code == 413


@pytest.mark.parametrize("path", ["/api/tools", "/api/mcp/status", "/api/automations"])
def test_features_that_no_runtime_offers_are_empty_lists(server: LiveServer, path: str) -> None:
    assert server.client.get(path).json() == []


def test_skills_come_from_the_runtimes_that_offer_them(tmp_path: Path) -> None:
    install_plugin(tmp_path, "runtime_skilled", SKILLED)
    environment = {"XO_PLUGINS": "runtime_skilled,runtime_demo"}
    with LiveServer(environment=environment, python_path=[tmp_path]) as server:
        folder = server.projects / "mine"
        folder.mkdir()
        wanted = {
            "name": "look",
            "description": "Looks at mine",
            "path": str(folder / "SKILL.md"),
            "location": str(folder / "SKILL.md"),
            "source": "project",
            "enabled": True,
            "agent_name": "skilled",
        }
        for workspace in ("mine", str(folder)):
            answer = server.client.get("/api/skills", params={"workspace": workspace})
            assert answer.json() == [wanted]
        assert server.client.get("/api/skills?agent_name=demo").json() == []
        (anywhere,) = server.client.get("/api/skills").json()
        assert anywhere["description"] == "Looks at xo-projects"
        for query in ("agent_name=nope", "workspace=/etc"):
            assert server.client.get(f"/api/skills?{query}").status_code in {400, 403}
