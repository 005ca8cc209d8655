"""The clamp: whatever the text, nothing outside the roots is ever opened."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xo_cowork_core.storage.paths import (
    MAX_NAME_BYTES,
    MalformedPathError,
    OutsideError,
    clamp,
    expand,
)
from xo_cowork_core.storage.rooted_fs import RootedFs

HOME = Path("/home/ann")
PIECES = ("a", "b", "f", "missing", "..", ".", "", "in", "out", "up", "abs", "round", "secret", "~")
NAMES = st.lists(st.sampled_from(PIECES), max_size=9)
RUN = settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """`home` with links of every kind; `outside` and `home2` beside it hold secrets."""
    for folder in ("home/a/b", "home/b", "outside/a", "home2/a"):
        (tmp_path / folder).mkdir(parents=True)
    for folder in ("home", "home/a", "home/a/b"):
        (tmp_path / folder / "f").write_text("mine")
    for folder in ("outside", "outside/a", "home2", "home2/a", "."):
        (tmp_path / folder / "f").write_text("secret")
    for folder in ("home", "home/a", "home/b"):
        place = tmp_path / folder
        (place / "in").symlink_to(tmp_path / "home" / "a")
        (place / "out").symlink_to(tmp_path / "outside")
        (place / "up").symlink_to("..")
        (place / "abs").symlink_to(tmp_path / "home2" / "a")
        (place / "round").symlink_to("round")
        (place / "secret").symlink_to(tmp_path / "outside" / "f")
    return tmp_path


@RUN
@given(names=NAMES)
def test_only_paths_below_the_roots_are_opened(world: Path, names: list[str]) -> None:
    home = world / "home"
    fs = RootedFs((home,))
    path = Path(f"{home}/{'/'.join(names)}")
    inside = Path(os.path.realpath(path)).is_relative_to(home)
    try:
        file, real = fs.open_file(path)
    except OutsideError:
        assert not inside or not path.exists(), "a circle of links is refused, too"
    except OSError:
        assert inside
        assert not path.is_file()
    else:
        with file:
            assert file.read(100) == b"mine"
        assert inside
        assert real == Path(os.path.realpath(path))


@RUN
@given(names=NAMES)
def test_only_folders_below_the_roots_are_created(world: Path, names: list[str]) -> None:
    def outside() -> list[Path]:
        return sorted(path for place in ("outside", "home2") for path in (world / place).rglob("*"))

    before = outside(), sorted(world.iterdir())
    home = world / "home"
    try:
        with RootedFs((home,)).open_path(
            Path(f"{home}/{'/'.join(names)}/x"), make_parents=True
        ) as handle:
            assert handle.path.parent.samefile(f"/proc/self/fd/{handle.folder.descriptor}")
            assert handle.path.is_relative_to(home)
    except (OSError, OutsideError):
        pass
    assert (outside(), sorted(world.iterdir())) == before


@RUN
@given(tail=st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1))
def test_a_sibling_is_never_beneath(world: Path, tail: str) -> None:
    with pytest.raises(OutsideError):
        clamp(Path(f"{world}/home{tail}"), [world / "home"])


@RUN
@given(text=st.text(st.characters()))
def test_a_text_is_an_absolute_path_or_malformed(text: str) -> None:
    for sent in (text, f"/{text}", f"~/{text}", f"~{text}"):
        try:
            path = expand(sent, HOME)
        except MalformedPathError:
            continue
        assert path.is_absolute()
        assert all(len(part.encode()) <= MAX_NAME_BYTES for part in path.parts)
        assert "\0" not in str(path)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("~", "/home/ann"),
        ("~/", "/home/ann"),
        ("~/x", "/home/ann/x"),
        ("~//etc/passwd", "/home/ann/etc/passwd"),
        ("/x", "/x"),
        ("~/" + "x" * 255, "/home/ann/" + "x" * 255),
    ],
)
def test_home_is_expanded(text: str, path: str) -> None:
    assert expand(text, HOME) == Path(path)


@pytest.mark.parametrize("text", ["", "x", "~x", "~~", "\0", "/\0", "/\ud800", "/" + "x" * 256])
def test_the_rest_is_malformed(text: str) -> None:
    with pytest.raises(MalformedPathError):
        expand(text, HOME)


def test_a_home_that_is_a_link_is_its_goal(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "home").symlink_to("real")
    assert clamp(tmp_path / "home" / "x", [tmp_path / "home"]) == tmp_path / "real" / "x"
    with RootedFs((tmp_path / "home",)).open_path(
        tmp_path / "home" / "a" / "x", make_parents=True
    ) as handle:
        assert handle.path == tmp_path / "real" / "a" / "x"


def test_a_private_place_is_closed_but_for_a_root_inside(tmp_path: Path) -> None:
    for folder in ("home/state/projects/p", "home/states"):
        (tmp_path / folder).mkdir(parents=True)
    home = tmp_path / "home"
    (home / "link").symlink_to("state")
    fs = RootedFs((home, home / "state" / "projects"), lambda: [home / "state"])
    for path in ("state", "state/x", "link", "link/x"):
        with pytest.raises(OutsideError):
            fs.resolve(home / path)
        with pytest.raises(OutsideError), fs.open_path(home / path):
            pass
    with pytest.raises(OutsideError), fs.open_entry(home, "state"):
        pass
    for path in ("states", "state/projects", "link/projects/p"):
        fs.resolve(home / path)
