"""The timeline pages backwards exactly, whatever is torn, rotated or added meanwhile."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xo_cowork_core.services.projects import timeline
from xo_cowork_core.services.projects.timeline import append_events, new_event, read_page
from xo_cowork_core.storage.folder_handle import FolderHandle, RegularFile

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
JUNK = [b"{", b"[]", b"null", b"\xff\xfe", b"", b'{"ts": 1, "type": "x"}', b"x" * 70_000]
GOOD = st.integers(0, 10_000).map(
    lambda number: orjson.dumps(new_event("file.edited", NOW, "s", "demo", path=f"{number}"))
)


@pytest.fixture
def xo(tmp_path: Path) -> Iterator[FolderHandle]:
    with FolderHandle.open(tmp_path) as folder:
        yield folder


def append(xo: FolderHandle, first: int, last: int) -> None:
    append_events(
        xo,
        [new_event("n", NOW + timedelta(seconds=n), None, None, n=n) for n in range(first, last)],
    )


def walk(xo: FolderHandle, limit: int) -> list[int]:
    """Page to the oldest and return the numbers as they came."""
    found: list[int] = []
    page = read_page(xo, None, limit)
    while True:
        assert len(page.events) <= limit
        found += [one["n"] for one in page.events]
        if page.next_cursor is None:
            return found
        page = read_page(xo, timeline._parse_cursor(page.next_cursor), limit)


@pytest.mark.parametrize("limit", [1, 3, 10, 499, 500])
def test_pages_join_without_a_gap_or_a_repeat(xo: FolderHandle, limit: int) -> None:
    append(xo, 0, 499)
    assert walk(xo, limit) == list(range(498, -1, -1))


def test_an_empty_or_absent_timeline_is_one_empty_page(xo: FolderHandle) -> None:
    assert read_page(xo, None, 10) == timeline.TimelinePage([], None)
    append(xo, 0, 0)
    assert read_page(xo, None, 10) == timeline.TimelinePage([], None)


def test_a_cursor_holds_while_lines_are_added_and_the_file_is_rotated(
    xo: FolderHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(xo, 0, 20)
    page = read_page(xo, None, 5)
    assert page.next_cursor
    monkeypatch.setattr(timeline, "MAX_BYTES", 1)
    append(xo, 20, 25)
    append(xo, 25, 30)
    rest = read_page(xo, timeline._parse_cursor(page.next_cursor), 500)
    assert [one["n"] for one in rest.events] == list(range(14, -1, -1))


class Rotated(FolderHandle):
    """Rotates its timeline away just before it is opened for the first time."""

    def open_file(self, name: str, flags: int = os.O_RDONLY, mode: int = 0o644) -> RegularFile:
        if name == timeline.FILE and self.stat(name):
            self.rename(name, "timeline-000002.jsonl")
        return super().open_file(name, flags, mode)


def test_a_file_that_is_rotated_while_it_is_read_is_not_left_out(tmp_path: Path) -> None:
    with FolderHandle.open(tmp_path) as xo:
        append(xo, 0, 10)
        xo.rename(timeline.FILE, "timeline-000001.jsonl")
        append(xo, 10, 20)
    with Rotated.open(tmp_path) as rotated:
        assert isinstance(rotated, Rotated)
        assert walk(rotated, 7) == list(reversed(range(20)))


def test_rotation_keeps_the_newest_five(
    xo: FolderHandle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline, "MAX_BYTES", 1)
    for number in range(8):
        append(xo, number, number + 1)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == [f"timeline-{number:06}.jsonl" for number in range(4, 9)]
    assert walk(xo, 2) == [7, 6, 5, 4, 3]


def test_a_line_that_a_crash_tore_costs_itself_alone(xo: FolderHandle, tmp_path: Path) -> None:
    append(xo, 0, 2)
    with (tmp_path / timeline.FILE).open("ab") as file:
        file.write(b'{"ts": "2026-11-24T08:00:02", "ty')
    assert walk(xo, 10) == [1, 0]
    append(xo, 2, 3)
    assert walk(xo, 10) == [2, 1, 0]


@settings(max_examples=200, deadline=None)
@given(
    lines=st.lists(st.one_of(GOOD, st.sampled_from(JUNK)), max_size=30),
    limit=st.integers(1, 7),
    ended=st.booleans(),
)
def test_any_file_gives_what_a_slow_reader_finds(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], limit: int, ended: bool
) -> None:
    folder = tmp_path_factory.mktemp("xo")
    (folder / timeline.FILE).write_bytes(b"\n".join(lines) + (b"\n" if ended else b""))
    wanted = [orjson.loads(line)["path"] for line in reversed(lines) if b'"path"' in line]
    found: list[str] = []
    with FolderHandle.open(folder) as xo:
        page = read_page(xo, None, limit)
        found += [one["path"] for one in page.events]
        while page.next_cursor:
            page = read_page(xo, timeline._parse_cursor(page.next_cursor), limit)
            found += [one["path"] for one in page.events]
    assert found == wanted
