"""Env files on disk: what a change leaves alone, modes, links, locks, damaged files."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xo_cowork_core.storage import envfile
from xo_cowork_core.storage.env_lines import EnvDocument
from xo_cowork_core.storage.env_quoting import EnvFileError, render_assignment
from xo_cowork_core.storage.envfile import change_env_file, read_env_file, staging_path

FOREIGN = (
    "\ufeff# keys of 'all' agents\r\n"
    "\n"
    "export A='x # y' # note\r\n"
    "  B = two words \n"
    "not an entry\n"
    "C\n"
    'D="line 1\nline 2"\n'
    "E=old\n"
    "\n"
    "E=1 # last\n"
    "a.b=dotted\n"
    "# end"
)


def edit(change: Callable[[EnvDocument], None]) -> Callable[[str], str]:
    def apply(text: str) -> str:
        document = EnvDocument(text)
        change(document)
        return document.text()

    return apply


def set_entries(file: Path, **values: str) -> None:
    change_env_file(file, edit(lambda document: document.set(values)))


def delete_entries(file: Path, *keys: str) -> None:
    change_env_file(file, edit(lambda document: document.delete(keys)))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "env"


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_change_leaves_every_other_byte(file: Path) -> None:
    file.write_bytes(FOREIGN.encode())
    set_entries(file, E="2", NEW="3")
    wanted = FOREIGN.replace("E=old\n\nE=1 #", "\nE=2 #") + "\nNEW=3\n"
    assert file.read_bytes().decode() == wanted
    delete_entries(file, "NEW", "E")
    assert file.read_bytes().decode() == FOREIGN.replace("E=old\n\nE=1 # last\n", "\n") + "\n"


def test_an_equal_value_leaves_its_line_and_the_file_as_they_are(file: Path) -> None:
    file.write_bytes(FOREIGN.encode())
    file.chmod(0o600)
    before = file.stat().st_ino
    set_entries(file, A="x # y", B="two words")
    assert file.read_bytes().decode() == FOREIGN
    assert file.stat().st_ino == before


def test_a_value_in_two_forms_is_replaced_and_deleted_whole(file: Path) -> None:
    set_entries(file, KEY="it's $5 # planted")
    set_entries(file, OTHER="1")
    set_entries(file, KEY="plain")
    assert file.read_text() == "KEY=plain\nOTHER=1\n"
    set_entries(file, KEY="it's $5 # planted")
    delete_entries(file, "KEY")
    assert file.read_text() == "OTHER=1\n"


def test_what_is_not_utf_8_stays_as_it_is(file: Path) -> None:
    file.write_bytes(b"# caf\xe9\nA=caf\xe9\nB=1\n")
    assert read_env_file(file) == ({"B": "1"}, {"A"})
    set_entries(file, B="2")
    assert file.read_bytes() == b"# caf\xe9\nA=caf\xe9\nB=2\n"


def test_an_entry_behind_an_open_quote_is_refused_and_nothing_is_written(file: Path) -> None:
    file.write_text("A=1\nB='open\n")
    with pytest.raises(EnvFileError, match="open quote"):
        set_entries(file, C="it is 'x'")
    assert file.read_text() == "A=1\nB='open\n"


def test_file_and_folder_are_private_under_any_umask(tmp_path: Path, umask: int) -> None:
    file = tmp_path / "folder" / "env"
    set_entries(file, A="1")
    assert (mode_of(file), mode_of(file.parent)) == (0o600, 0o700)


def test_no_change_creates_no_file(file: Path) -> None:
    delete_entries(file, "A")
    assert not file.exists()


def test_an_open_mode_is_closed_even_when_nothing_changes(file: Path) -> None:
    file.write_text("A=1\n")
    file.chmod(0o644)
    set_entries(file, A="1")
    assert mode_of(file) == 0o600


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path, exists: bool) -> None:
    target, link = tmp_path / "real" / "env", tmp_path / "link"
    target.parent.mkdir()
    link.symlink_to(target)
    if exists:
        target.write_text("A=1\n")
    set_entries(link, B="2")
    assert link.is_symlink()
    assert read_env_file(link).entries["B"] == "2"
    assert mode_of(target) == 0o600


def test_what_is_no_readable_file_is_an_error_and_stays(tmp_path: Path) -> None:
    pipe, folder, loop, large = (tmp_path / name for name in ("pipe", "folder", "loop", "large"))
    os.mkfifo(pipe)
    folder.mkdir()
    loop.symlink_to(loop)
    large.write_bytes(b"#" * (envfile.MAX_FILE_BYTES + 1))
    for path in (pipe, folder, loop, large):
        before = path.lstat().st_mode, path.lstat().st_ino
        with pytest.raises(OSError):
            read_env_file(path)
        with pytest.raises(OSError):
            set_entries(path, A="1")
        assert (path.lstat().st_mode, path.lstat().st_ino) == before


def test_a_file_that_would_be_too_large_is_not_written(file: Path) -> None:
    file.write_text("A=1\n")
    with pytest.raises(OSError, match="more than 8 MB"):
        change_env_file(file, lambda text: text + "#" * envfile.MAX_FILE_BYTES)
    assert file.read_text() == "A=1\n"


def test_what_a_killed_writer_left_is_replaced(file: Path) -> None:
    staging_path(file).write_text("KEY=planted")
    set_entries(file, A="1")
    assert sorted(path.name for path in file.parent.iterdir()) == ["env", "env.lock"]


def test_writers_of_other_threads_and_processes_lose_nothing(file: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from xo_cowork_core.storage.env_lines import EnvDocument\n"
        "from xo_cowork_core.storage.envfile import change_env_file\n"
        "def add(text):\n"
        "    document = EnvDocument(text); document.set({key: 'x'}); return document.text()\n"
        "for number in range(10):\n"
        "    key = f'P{number}'; change_env_file(Path(sys.argv[1]), add)\n"
    )
    other = subprocess.Popen([sys.executable, "-c", program, str(file)])
    threads = [
        threading.Thread(target=set_entries, args=[file], kwargs={f"T{number}": "x"})
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert other.wait(30) == 0
    assert len(read_env_file(file).entries) == 30


def test_a_lock_that_is_held_is_waited_for_and_then_an_error(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(envfile, "LOCK_SECONDS", 0.05)
    holding, release = threading.Event(), threading.Event()

    def hold(text: str) -> str:
        holding.set()
        release.wait(10)
        return text

    holder = threading.Thread(target=change_env_file, args=[file, hold])
    holder.start()
    try:
        assert holding.wait(10)
        with pytest.raises(OSError, match="holds its lock"):
            set_entries(file, A="1")
    finally:
        release.set()
        holder.join()


def test_a_write_that_fails_leaves_the_old_file_and_no_other(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_entries(file, A="1")

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        set_entries(file, A="2")
    assert file.read_text() == "A=1\n"
    assert sorted(path.name for path in file.parent.iterdir()) == ["env", "env.lock"]


KEYS = st.sampled_from(["A", "B", "C", "D"])
LINES = st.lists(
    st.one_of(
        st.tuples(KEYS, st.text("ab'\"$\\ #", max_size=6)),
        st.sampled_from(
            ["# a comment, it's one", "", "   ", "not an entry", "E", "export F=1 # f"]
        ),
    ),
    max_size=8,
)
VALUES = st.text("ab'\"$\\ #", max_size=6)


@given(LINES, st.dictionaries(KEYS, VALUES), st.sets(KEYS), st.sampled_from(["\n", "\r\n"]))
def test_any_change_sets_what_it_says_and_leaves_all_other_lines(
    lines: list[tuple[str, str] | str], values: dict[str, str], deleted: set[str], end: str
) -> None:
    own = [line if isinstance(line, str) else render_assignment(*line) for line in lines]
    text = "".join(f"{line}{end}" for line in own)
    before = EnvDocument(text)
    document = EnvDocument(text)
    document.delete(deleted)
    document.set(values)
    after = document.text()
    kept = {key: value for key, value in before.entries().items() if key not in deleted}
    assert EnvDocument(after).entries() == kept | values
    changed = {key for key, value in values.items() if kept.get(key) != value} | deleted
    foreign = [
        line
        for line, made in zip(lines, own, strict=True)
        if not (isinstance(line, tuple) and line[0] in changed) and made.strip()
    ]
    # a changed line ends as a shell needs it, whatever the others do
    rest = iter(after.replace("\r\n", "\n").split("\n"))
    for line in foreign:
        wanted = line if isinstance(line, str) else render_assignment(*line)
        assert any(wanted == each for each in rest), wanted


def test_missing_folders_are_made_for_the_owner_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    earlier = os.umask(0o027)
    try:
        change_env_file(tmp_path / "a" / "b" / "env", lambda text: text + "A=1\n")
    finally:
        os.umask(earlier)
    modes = [path.stat().st_mode & 0o777 for path in (tmp_path / "a", tmp_path / "a" / "b")]
    assert modes == [0o700, 0o700]
    assert tmp_path.stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "a" / "b" / "env").read_text() == "A=1\n"
