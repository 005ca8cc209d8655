"""Search: names that fit, the best first, and nothing that `.gitignore` leaves out."""

import subprocess
import time
from pathlib import Path

import pytest

from tests.support.file_traps import post
from xo_cowork_core.sdk.testing import LiveServer


def lay(folder: Path, *paths: str) -> None:
    for path in paths:
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("")


def find(server: LiveServer, folder: Path, query: str = "", limit: int = 50) -> list[str]:
    body = {"directory": str(folder), "query": query, "limit": limit}
    answer = post(server, "search", body)
    assert answer.status_code == 200, answer.text
    for row in answer.json():
        assert row["absolute_path"] == f"{folder}/{row['relative_path']}"
        assert row["relative_path"].split("/")[-1] == row["name"]
    return [row["relative_path"] for row in answer.json()]


def test_the_best_come_first(server: LiveServer, folder: Path) -> None:
    lay(folder, "src/plan/x.py", "a/PLAN", "planning.md", "my-plan.md", "src/planner.py", "no.md")
    wanted = ["a/PLAN", "planning.md", "src/planner.py", "my-plan.md", "src/plan/x.py"]
    assert find(server, folder, "Plan") == wanted
    assert find(server, folder, "Plan", limit=2) == wanted[:2]
    assert find(server, folder, "nothing") == []


def test_a_query_in_another_unicode_form_is_found(server: LiveServer, folder: Path) -> None:
    lay(folder, "cafe\u0301.txt")
    assert find(server, folder, "CAF\u00c9") == ["cafe\u0301.txt"]


def test_what_git_leaves_out_is_left_out(server: LiveServer, folder: Path) -> None:
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    lay(folder, "keep.txt", "a.log", "sub/b.log", "sub/important.log", "build/x.txt", "sub/build")
    lay(folder, "build/kept.log")
    lay(folder, "node_modules/x/i.js", "deep/er/secret.txt", "deep/secret.txt")
    (folder / ".gitignore").write_text("*.log\nbuild/\n# no\n!\n[z-a]\n/deep/*/secret.txt\n")
    (folder / "sub" / ".gitignore").write_text("!important.log\n")
    found = set(find(server, folder))
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found == {name for name in listed.stdout.split() if "node_modules" not in name}
    assert find(server, folder / "sub") == [".gitignore", "build", "important.log"]
    # a search in an excluded folder finds what is in it
    assert sorted(find(server, folder / "build")) == ["kept.log", "x.txt"]


def test_links_are_not_followed(server: LiveServer, folder: Path) -> None:
    lay(folder, "a.txt")
    (folder / "out").symlink_to("/etc")
    (folder / "round").symlink_to(".")
    assert find(server, folder) == ["a.txt"]


def test_credentials_are_not_found(server: LiveServer) -> None:
    lay(server.home, ".ssh/id_needle", ".netrc", "mine/needle.txt")
    assert find(server, server.home, "needle") == ["mine/needle.txt"]
    assert find(server, server.home, "netrc") == []
    assert find(server, server.home, "state.db") == []


def test_a_pattern_made_to_hang_does_not(server: LiveServer, folder: Path) -> None:
    lay(folder, "a" * 250, *(f"{'a' * 200}{number}" for number in range(50)))
    evil = ["*a" * 30 + "b", "**/" * 40 + "*a" * 30 + "b", "[a-a]*" * 30 + "b"]
    (folder / ".gitignore").write_text("\n".join(evil * 20))
    begun = time.monotonic()
    assert len(find(server, folder, limit=500)) == 52
    assert time.monotonic() - begun < 20


def test_a_deep_tree_is_searched(server: LiveServer, folder: Path) -> None:
    place = folder
    for _ in range(300):
        place /= "d"
    place.mkdir(parents=True)
    (place / "bottom").touch()
    assert find(server, folder, "bottom") == ["d/" * 300 + "bottom"]


def test_the_number_of_results_is_bounded(server: LiveServer, folder: Path) -> None:
    lay(folder, *(str(number) for number in range(600)))
    assert len(find(server, folder)) == 50
    assert len(find(server, folder, limit=10_000)) == 500


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"directory": ""}, 400),
        ({"directory": "~", "limit": 0}, 400),
        ({"directory": "~", "limit": -1}, 400),
        ({"directory": "~", "limit": "5"}, 400),
        ({"directory": "~", "query": 5}, 400),
        ({"directory": "~/missing"}, 404),
        ({"directory": "/etc"}, 403),
    ],
)
def test_a_wrong_search_is_refused(server: LiveServer, body: dict, status: int) -> None:
    assert post(server, "search", body).status_code == status
