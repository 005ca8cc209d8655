"""Events become records: sums are right, todos keep ids, rows of other writers are kept."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from xo_cowork_core.sdk import TodoItem, Tokens
from xo_cowork_core.services.projects.events import (
    FileWritten,
    ProjectEvent,
    SessionEnded,
    SessionStarted,
    TodoListUpdated,
)
from xo_cowork_core.services.projects.record_writer import apply
from xo_cowork_core.storage.folder_handle import FolderHandle

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


@pytest.fixture
def xo(tmp_path: Path) -> Iterator[FolderHandle]:
    with FolderHandle.open(tmp_path) as folder:
        yield folder


def ended(
    session_id: str = "s1",
    *,
    days_ago: int = 0,
    runtime: str = "demo",
) -> SessionEnded:
    return SessionEnded(
        session_id,
        runtime,
        NOW - timedelta(days=days_ago),
        finish_reason="stop",
        error_code=None,
        tokens=Tokens(input=10, output=1),
        cost=0.5,
        seconds=30.0,
        directory=".",
    )


def todos(*items: tuple[str, str]) -> TodoListUpdated:
    return TodoListUpdated("s1", "demo", NOW, tuple(TodoItem(*item) for item in items))


def write(xo: FolderHandle, *events: ProjectEvent) -> None:
    apply(xo, "p", events, [], NOW, figures=None, relative_path=lambda path: path)


def stored(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


def timeline_events(folder: Path) -> Sequence[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "timeline.jsonl").read_text().splitlines()]


def test_events_add_up_over_days_and_runtimes(xo: FolderHandle, tmp_path: Path) -> None:
    write(xo, ended("old", days_ago=40), ended("month", days_ago=20))
    write(xo, ended("a"), ended("b", runtime="other"), ended("a"))
    write(xo, FileWritten("a", "demo", NOW, "x.py", True))
    stats = stored(tmp_path, "stats.json")
    week, month = stats["rolling"]["7d"], stats["rolling"]["30d"]
    assert (week["turns"], week["active_minutes"], week["files_edited"]) == (3, 1.5, 1)
    assert (month["turns"], month["active_minutes"]) == (4, 2)
    assert stats["by_session"]["a"]["turns"] == 2
    assert {name: row["turns"] for name, row in stats["by_runtime"].items()} == {
        "demo": 4,
        "other": 1,
    }
    assert "tokens" not in json.dumps(stats)  # these come from the index alone


def test_statistics_of_an_unknown_schema_are_reset(xo: FolderHandle, tmp_path: Path) -> None:
    (tmp_path / "stats.json").write_text('{"schema": 2, "by_day": {"2026-11-24": {"turns": 5}}}')
    write(xo, ended())
    assert stored(tmp_path, "stats.json")["rolling"]["7d"]["turns"] == 1


def test_turns_and_minutes_of_the_previous_schema_are_kept(
    xo: FolderHandle, tmp_path: Path
) -> None:
    (tmp_path / "stats.json").write_text('{"schema": 3, "by_day": {"2026-11-24": {"turns": 5}}}')
    write(xo, ended())
    assert stored(tmp_path, "stats.json")["rolling"]["7d"]["turns"] == 6


def test_days_beyond_thirty_five_are_dropped(xo: FolderHandle, tmp_path: Path) -> None:
    write(xo, *[ended(days_ago=day) for day in range(50)])
    assert len(stored(tmp_path, "stats.json")["by_day"]) == 35


def test_a_task_keeps_its_id_while_its_text_stays(xo: FolderHandle, tmp_path: Path) -> None:
    write(xo, todos(("one", "pending"), ("two", "in_progress")))
    before = {row["content"]: row["id"] for row in _rows(tmp_path)}
    write(xo, todos(("two", "completed"), ("three", "nonsense")))
    after = {row["content"]: row for row in _rows(tmp_path)}
    assert after["two"]["id"] == before["two"]
    assert after["two"]["status"] == "completed"
    assert after["three"]["status"] == "pending"
    assert set(after) == {"two", "three"}
    kinds = [(event["type"], event["content"]) for event in timeline_events(tmp_path)]
    assert kinds == [
        ("todo.added", "one"),
        ("todo.added", "two"),
        ("todo.added", "three"),
        ("todo.completed", "two"),
    ]


def test_an_unchanged_task_list_is_no_event(xo: FolderHandle, tmp_path: Path) -> None:
    write(xo, todos(("one", "completed")))
    write(xo, todos(("one", "completed")))
    assert [event["type"] for event in timeline_events(tmp_path)] == [
        "todo.added",
        "todo.completed",
    ]


def test_a_file_is_created_once(xo: FolderHandle, tmp_path: Path) -> None:
    write(xo, FileWritten("s", "demo", NOW, "a", None), FileWritten("s", "demo", NOW, "b", False))
    write(xo, FileWritten("t", "demo", NOW, "a", None), FileWritten("t", "demo", NOW, "c", True))
    changes = [(event["type"], event["path"]) for event in timeline_events(tmp_path)]
    assert changes == [
        ("file.created", "a"),
        ("file.edited", "b"),
        ("file.edited", "a"),
        ("file.created", "c"),
    ]


def test_rows_of_other_writers_stay_in_the_sessions_list(xo: FolderHandle, tmp_path: Path) -> None:
    (tmp_path / "sessions").mkdir()
    theirs = {
        "claude:p:web:0a1b2c3d": {"sessionId": "s1", "nativeSessionId": "n1", "extra": [1]},
        "odd": "a string",
    }
    (tmp_path / "sessions" / "sessionslist.json").write_text(json.dumps(theirs))
    opened = SessionStarted("s2", "demo", NOW, resumed=False, directory="sub")
    write(xo, opened, ended("s1"), ended("s2"))
    rows = stored(tmp_path, "sessions/sessionslist.json")
    assert rows["odd"] == "a string"
    known = rows["claude:p:web:0a1b2c3d"]
    assert (known["nativeSessionId"], known["extra"]) == ("n1", [1])
    fresh = rows["demo:p:web:s2"]
    assert (fresh["backend"], fresh["directory"]) == ("demo", ".")


def _rows(folder: Path) -> list[dict[str, Any]]:
    return stored(folder, "todos.json")["sessions"]["s1"]["todos"]
