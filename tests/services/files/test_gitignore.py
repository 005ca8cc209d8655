"""Our reading of `.gitignore` is git's, and no pattern takes long."""

import re
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xo_cowork_core.services.files.ignored import Rules, is_ignored
from xo_cowork_core.services.files.patterns import read_patterns

FOLDERS = ("a", "b", "a/b", "a/b/a", "ab", "ab/a b")
FILES = ("a", "b", "ab", "ba", "aab", "a b", "a.b", "[a]", "!a", "#b", "a\\", "-", "A")
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
def test_the_same_is_left_out_as_git_leaves_out(repository: Path, lines: list[str]) -> None:
    text = "\n".join(lines) + "\n"
    (repository / ".gitignore").write_text(text, newline="")
    rules = [Rules(0, read_patterns(text))]
    paths = [path for path in repository.rglob("*") if ".git" not in path.parts[-2:]]
    paths = [path for path in paths if not path.is_relative_to(repository / ".git")]
    ours = {path for path in paths if left_out(repository, path, rules)}
    told = "\0".join(str(path.relative_to(repository)) for path in paths)
    git = subprocess.run(
        ["git", "check-ignore", "--no-index", "-z", "--stdin"],
        cwd=repository,
        input=told.encode(),
        capture_output=True,
        check=False,
    )
    assert git.returncode in {0, 1}, git.stderr
    theirs = {repository / name for name in git.stdout.decode().split("\0") if name}
    assert ours == theirs, f"{text!r}"


def left_out(top: Path, path: Path, rules: list[Rules]) -> bool:
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
        "/" + "*a" * 60 + "/" + "**/" * 60 + "*a" * 60 + "b",
    ],
)
def test_no_pattern_takes_long(line: str) -> None:
    patterns = read_patterns(line)
    begun = time.perf_counter()
    for name in ("a" * 255, "a/" * 100 + "a"):
        for pattern in patterns:
            assert not pattern.matches(name.split("/"), is_folder=False)
    assert time.perf_counter() - begun < 0.5
