"""Skills on disk, well written or not, become a list."""

from pathlib import Path

import pytest

from xo_runtime_claude.skills import read_skills


def put(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / "skills" / name / "SKILL.md"
    path.parent.mkdir(parents=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_both_folders_are_read_and_the_users_own_wins(tmp_path: Path) -> None:
    own, cwd = tmp_path / "config", tmp_path / "project"
    mine = put(own, "greet", "---\nname: greet\ndescription: mine\n---\nHello\n")
    put(cwd / ".claude", "greet", "---\nname: greet\ndescription: the project's\n---\n")
    theirs = put(cwd / ".claude", "ask", "---\ndescription: asks\n---\n")
    found = [(skill.name, skill.description, skill.path) for skill in read_skills(cwd, own)]
    assert {skill.path.is_relative_to(cwd): skill.source for skill in read_skills(cwd, own)} == {
        True: "project",
        False: "bundled",
    }
    assert found == [("ask", "asks", theirs), ("greet", "mine", mine)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("no front matter", ("folder", "")),
        ("", ("folder", "")),
        ("---\nname: 'quoted'\ndescription: \"a: b\"\n---\n", ("quoted", "a: b")),
        ("---\r\nname: dos\r\ndescription: lines\r\n---\r\n", ("dos", "lines")),
        ("---\ndescription: >-\n  folded\n  text\nname: x\n---\n", ("x", "folded text")),
        ("---\ndescription: goes\n  on here\nname: x\n---\n", ("x", "goes on here")),
        ("---\nname: x\ndescription: broken off", ("x", "broken off")),
        ("---\nname:\nlist:\n  - a\n---\ndescription: not it\n", ("folder", "")),
        (b"---\nname: x\ndescription: \xff\xfe\n---\n", ("x", "\ufffd\ufffd")),
    ],
)
def test_front_matter_is_read_as_far_as_it_goes(
    tmp_path: Path, text: str | bytes, wanted: tuple[str, str]
) -> None:
    put(tmp_path, "folder", text)
    (skill,) = read_skills(tmp_path, tmp_path)
    assert (skill.name, skill.description) == wanted


def test_what_is_no_skill_is_skipped(tmp_path: Path) -> None:
    folder = tmp_path / "skills"
    (folder / "empty").mkdir(parents=True)
    (folder / "a-file").write_text("x")
    (folder / "odd" / "SKILL.md").mkdir(parents=True)
    assert read_skills(tmp_path, tmp_path) == []
    assert read_skills(tmp_path, tmp_path / "absent") == []
