"""`.gitignore` files exclude exactly what git excludes, and no pattern takes long to match."""

import re
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from xo_cowork_core.services.files.ignore_rules import IgnoreRules, is_ignored, parse_rules

FOLDERS = ("a", "b", "a/b", "a/b/a", "ab", "ab/a b")
FILES = ("a", "b", "ab", "ba", "aab", "a b", "a.b", "[a]", "!a", "#b", "a\\", "-", "A")
LONG_NAME = "many" * 25
PIECES = ("a", "b", "*", "**", "?", "/", "/", "[ab]", "[!a]", "[^b]", "[a-b]", "[[:alpha:]]", "]")
ODD = ("!", "#", "\\", " ", ".", "\\*", "\\!", "\\#", "\\ ", "\r", "-", "A")
# git's own code differs from its manual where `**` touches something else than a slash
UNTOLD = re.compile(r"[^/!]\*\*|\*\*[^/]|\*\*\*")
LINES = (
    st.lists(st.sampled_from(PIECES + ODD), min_size=1, max_size=7)
    .map("".join)
    .filter(lambda line: not UNTOLD.search(line))
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "-q", str(top)], check=True)
    for folder in FOLDERS:
        (top / folder).mkdir(parents=True, exist_ok=True)
    for folder in ("", *FOLDERS):
        for name in FILES:
            if not (top / folder / name).exists():
                (top / folder / name).touch()
    return top


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(lines=st.lists(LINES, min_size=1, max_size=4))
@example(lines=["a/**", "!a/b"])
@example(lines=["a/**/"])
@example(lines=["*[!a]"])
@example(lines=["a[^b]*"])
@example(lines=["[[]a]", "![[:alpha:]]b"])
@example(lines=["[]a]", "\\[[:alpha:]]"])
@example(lines=["a\\/b", "b\\"])
@example(lines=["*", "!b/", "!b/a"])
@example(lines=["a\r\r"])
@example(lines=["a\\/", "b\\\\/"])
@example(lines=["a\t", "b\\\t"])
def test_exactly_what_git_excludes_is_excluded(repository: Path, lines: list[str]) -> None:
    text = "\n".join(lines) + "\n"
    (repository / ".gitignore").write_text(text, newline="")
    rules = [parse_rules(text)]
    paths = [path for path in repository.rglob("*") if ".git" not in path.parts[-2:]]
    paths = [path for path in paths if not path.is_relative_to(repository / ".git")]
    ours = {path for path in paths if is_excluded(repository, path, rules)}
    paths_text = "\0".join(str(path.relative_to(repository)) for path in paths)
    git = subprocess.run(
        ["git", "check-ignore", "--no-index", "-z", "--stdin"],
        cwd=repository,
        input=paths_text.encode(),
        capture_output=True,
        check=False,
    )
    assert git.returncode in {0, 1}, git.stderr
    theirs = {repository / name for name in git.stdout.decode().split("\0") if name}
    assert ours == theirs, f"{text!r}"


def is_excluded(top: Path, path: Path, rules: list[IgnoreRules]) -> bool:
    """Whether a walk from the top would not come to a path."""
    names = path.relative_to(top).parts
    return any(
        is_ignored(names[:end], rules, is_folder=end < len(names) or path.is_dir())
        for end in range(1, len(names) + 1)
    )


@pytest.mark.parametrize(
    "line",
    [
        "*a" * 60 + "b",
        "a*" * 60 + "b",
        "*?" * 60 + "b",
        "[a-a]*" * 60 + "b",
        "**/" * 60 + "b",
        "**/a/" * 30 + "b",
        "*a" * (100 << 10) + "b",
        ("*a" * 30 + "b\n") * 200,
        "/" + "*a" * 60 + "/" + "**/" * 60 + "*a" * 60 + "b",
    ],
)
def test_no_pattern_takes_long(line: str) -> None:
    # of this thread alone: other processes take none of it
    begun = time.thread_time()
    rules = [parse_rules(line)]
    for path in ("a" * 255, "a/" * 100 + "a"):
        assert not is_ignored(path.split("/"), rules, is_folder=False)
    assert time.thread_time() - begun < 1


def test_a_file_too_large_for_one_set_is_read_whole() -> None:
    rules = [parse_rules("".join(f"*part{number}*of*{LONG_NAME}*.txt\n" for number in range(2000)))]
    for number in (0, 1000, 1999):
        assert is_ignored((f"part{number}-of-{LONG_NAME}.txt",), rules, is_folder=False)
    assert not is_ignored((f"part-of-{LONG_NAME}.txt",), rules, is_folder=False)


def test_a_deeper_file_does_not_readmit_what_lies_below_its_folders() -> None:
    rules = [parse_rules("*.log"), parse_rules("!sub/", depth=1)]
    assert is_ignored(("a", "sub", "x.log"), rules, is_folder=False)
