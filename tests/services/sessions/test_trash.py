"""The trash keeps transcripts for 30 days and leaves nothing of them after that."""

from pathlib import Path

from tests.support.turn_engine import FakeClock, in_event_loop
from xo_cowork_core.services.sessions.trash import Trash
from xo_cowork_core.storage.database import Database
from xo_cowork_core.storage.state_schema import STEPS

DAY_SECONDS = 86400


def write(folder: Path, name: str) -> Path:
    path = folder / name / "s.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(name)
    return path


@in_event_loop
async def test_old_files_go_with_their_folders_and_younger_ones_stay(tmp_path: Path) -> None:
    database = Database(tmp_path / "state.db", STEPS)
    database.open()
    clock, folder = FakeClock(), tmp_path / "trash"
    trash = Trash(database, clock, folder)
    old, both, late = (write(tmp_path, name) for name in ("old", "both", "late"))
    await trash.add("first", old)
    await trash.add("second", both)
    clock.advance(DAY_SECONDS)
    await trash.add("second", late)
    assert set(trash.places) == {str(old), str(both), str(late)}
    clock.advance(29 * DAY_SECONDS)
    await trash.empty()
    assert len(trash.places) == 3, "exactly 30 days are kept"
    clock.advance(1)
    await trash.empty()
    assert list(trash.places) == [str(late)]
    assert [path.read_text() for path in folder.rglob("*") if path.is_file()] == ["late"]
    assert [path.name for path in folder.iterdir()] == ["second"]
    assert len(list((folder / "second").iterdir())) == 1
    clock.advance(DAY_SECONDS)
    await trash.empty()
    assert list(folder.iterdir()) == []
    await database.close()
