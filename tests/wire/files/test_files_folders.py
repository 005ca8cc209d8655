"""`mkdir`: plain folders, projects, and files copied into them."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.support.file_traps import post
from xo_cowork_core.sdk.testing import LiveServer


@pytest.fixture
def source(server: LiveServer) -> Path:
    file = server.home / f"{uuid.uuid4().hex}.sh"
    file.write_text("echo hi")
    file.chmod(0o755)
    return file


def make(server: LiveServer, path: object, **more: object) -> httpx.Response:
    return post(server, "mkdir", {"path": str(path), **more})


def test_a_plain_folder_keeps_its_name_and_gets_its_parents(server: LiveServer) -> None:
    answer = make(server, "~/Some Where/New Folder")
    place = server.home / "Some Where" / "New Folder"
    assert answer.json() == {"path": str(place), "name": "New Folder", "copied": []}
    assert list(place.iterdir()) == []


def test_what_is_there_is_409(server: LiveServer, source: Path) -> None:
    for path in ("~", "~/xo-projects", source):
        answer = make(server, path)
        assert (answer.status_code, answer.json()) == (409, {"detail": "Already exists"})
    assert make(server, source / "x").status_code == 400


def test_files_are_copied_in_and_each_name_once(server: LiveServer, source: Path) -> None:
    twin = server.home / uuid.uuid4().hex / source.name
    twin.parent.mkdir()
    twin.write_text("other")
    folder = server.home / uuid.uuid4().hex
    answer = make(server, folder, files=[str(source), str(twin)])
    assert answer.json()["copied"] == [source.name]
    assert (folder / source.name).read_text() == "echo hi"
    assert (folder / source.name).stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("bad", "status", "detail"),
    [
        ("/etc/passwd", 403, "Access denied: passwd"),
        ("~/.ssh/id", 403, "Access denied: id"),
        ("~/missing.txt", 404, "File not found: missing.txt"),
        ("~/xo-projects", 404, "File not found: xo-projects"),
        ("relative", 400, None),
        ("", 400, None),
    ],
)
@pytest.mark.parametrize("scaffold", [False, True])
def test_nothing_is_made_when_a_file_is_refused(
    server: LiveServer, source: Path, bad: str, status: int, detail: str | None, scaffold: bool
) -> None:
    place = server.projects / uuid.uuid4().hex
    answer = make(server, place, scaffold=scaffold, files=[str(source), bad])
    assert answer.status_code == status
    assert detail is None or answer.json() == {"detail": detail}
    assert not place.exists()


def test_a_project_is_scaffolded_and_files_come_after(server: LiveServer, source: Path) -> None:
    agents = server.home / uuid.uuid4().hex / "AGENTS.md"
    agents.parent.mkdir()
    agents.write_text("mine")
    answer = make(
        server,
        "~/xo-projects/My Fine_Project!",
        scaffold=True,
        display_name="Mine",
        description="For me",
        files=[str(agents), str(source)],
    )
    place = server.projects / "my-fine_project"
    assert answer.json() == {
        "path": str(place),
        "name": "my-fine_project",
        "copied": [source.name],
    }
    assert (place / "AGENTS.md").read_text() != "mine"
    for name in ("CLAUDE.md", "PROJECT.md", "memory/working/.gitkeep", ".xo/project.json"):
        assert (place / name).exists()
    again = make(server, "~/xo-projects/my fine_project", scaffold=True)
    assert again.status_code == 409


@pytest.mark.parametrize("scaffold", [False, True])
@pytest.mark.parametrize("copies", [False, True])
def test_of_many_that_make_one_folder_at_once_one_does(
    server: LiveServer, source: Path, scaffold: bool, copies: bool
) -> None:
    place = server.projects / uuid.uuid4().hex
    files = [str(source)] if copies else []
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: make(server, place, scaffold=scaffold, files=files), range(8))
        )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert (source.name in [child.name for child in place.iterdir()]) is copies
    assert [child.name for child in server.projects.iterdir() if child.name[0] == "."] == []


def test_no_copy_takes_the_place_of_credentials(server: LiveServer, source: Path) -> None:
    planted = source.with_name("hosts.yml")
    planted.write_text("token: planted")
    answer = make(server, "~/.config/gh", files=[str(planted)])
    assert (answer.status_code, answer.json()) == (403, {"detail": "Access denied: hosts.yml"})
    assert not (server.home / ".config" / "gh").exists()


@pytest.mark.parametrize("path", ["~/x", "~/xo-projects/a/b", "~/xo-projects", "~"])
def test_a_project_is_right_under_the_folder_of_projects(server: LiveServer, path: str) -> None:
    answer = make(server, path, scaffold=True)
    assert answer.status_code == 400
    assert "scaffold" in answer.json()["detail"]


def test_a_name_without_a_letter_is_no_project(server: LiveServer) -> None:
    assert make(server, "~/xo-projects/\u65e5\u672c", scaffold=True).status_code == 400
    assert list(server.projects.glob("\u65e5*")) == []
    long = make(server, f"~/xo-projects/{'a' * 100}", scaffold=True).json()
    assert long["name"] == "a" * 64


@pytest.mark.parametrize(
    "body", [{"scaffold": "yes"}, {"files": "x"}, {"files": [5]}, {"display_name": 5}, {"path": 5}]
)
def test_a_wrong_type_is_400(server: LiveServer, body: dict) -> None:
    assert post(server, "mkdir", {"path": "~/never", **body}).status_code == 400
    assert not (server.home / "never").exists()
