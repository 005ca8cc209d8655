"""`stats.json`: tokens and costs as the index counted them, and what turns tell beside.

Turns, files and minutes are added up here, by day, session and runtime; all else is replaced
whenever the index counted anew. `rolling` is the last 7 and 30 days at the moment of the write.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.projects.events import FileWritten, ProjectEvent, SessionEnded
from xo_cowork_core.services.projects.project_stats import MONTH_DAYS, WEEK_DAYS, ProjectFigures
from xo_cowork_core.services.projects.records import (
    Record,
    as_record,
    count_of,
    record_to_change,
    text_of,
    write_record,
)
from xo_cowork_core.services.usage.sums import Sum, Usage, summed, total_of
from xo_cowork_core.storage.folder_handle import FolderHandle

FILE = "stats.json"
# 1 to 3 have tokens as turns told them, 1 and 2 other keys
SCHEMA = 4
DAYS = 35
MOST_SESSIONS = 500
TOLD = ("files_edited", "turns", "active_minutes")
COUNTED = ("tokens", "cost", "by_model", "sessions")


def write_stats(
    xo: FolderHandle, facts: Sequence[ProjectEvent], numbers: ProjectFigures | None, now: datetime
) -> None:
    """Add what turns told, put in what the index counted. Blocks; the caller holds the lock."""
    told = [fact for fact in facts if isinstance(fact, SessionEnded | FileWritten)]
    if not told and numbers is None:
        return
    record = record_to_change(xo, FILE)
    if record.get("schema") not in {3, SCHEMA}:
        record = Record()
    rolling = as_record(record.get("rolling"))
    days, sessions, runtimes = (
        {key: as_record(row) for key, row in as_record(record.get(name)).items()}
        for name in ("by_day", "by_session", "by_runtime")
    )
    for fact in told:
        session = sessions.setdefault(fact.session_id, {})
        session |= {"runtime": fact.runtime, "updated_at": stamp(fact.moment)}
        day = days.setdefault(fact.moment.date().isoformat(), {})
        for place in (day, session, runtimes.setdefault(fact.runtime, {})):
            _add(place, fact)
    if numbers:
        _put_in(numbers, days, sessions, runtimes)
    newest = sorted(sessions.items(), key=lambda item: text_of(item[1], "updated_at"))
    spans = {WEEK_DAYS: numbers and numbers.week, MONTH_DAYS: numbers and numbers.month}
    record |= {
        "schema": SCHEMA,
        "updated_at": stamp(now),
        "rolling": {
            f"{span}d": _rolling(as_record(rolling.get(f"{span}d")), usage, days, now, span)
            for span, usage in spans.items()
        },
        "by_session": dict(newest[-MOST_SESSIONS:]),
        "by_runtime": runtimes,
        "by_day": {key: days[key] for key in sorted(days)[-DAYS:]},
    }
    write_record(xo, FILE, record, durable=False)


def _put_in(
    numbers: ProjectFigures,
    days: dict[str, Record],
    sessions: dict[str, Record],
    runtimes: dict[str, Record],
) -> None:
    """Replace all that is the index's to say."""
    year = numbers.year
    _replace(days, summed(year.groups, lambda group: group.day))
    _replace(runtimes, summed(year.groups, lambda group: group.agent_name))
    _replace(sessions, {each.session_id: each.sum for each in year.sessions})
    for each in year.sessions:
        sessions[each.session_id]["runtime"] = each.agent_name
    for session in numbers.sessions:
        if row := sessions.get(session.session_id):
            row["updated_at"] = stamp(session.time_updated)


def _replace(rows: dict[str, Record], sums: dict[str, Sum]) -> None:
    for row in rows.values():
        for key in COUNTED:
            row.pop(key, None)
    for key, counted in sums.items():
        rows.setdefault(key, {}).update(_counted(counted))


def _counted(counted: Sum) -> Record:
    return {"tokens": counted.tokens.data(), "cost": round(counted.cost, 6)}


def _rolling(
    before: Record, usage: Usage | None, days: dict[str, Record], now: datetime, span: int
) -> Record:
    first = (now - timedelta(days=span - 1)).date().isoformat()
    chosen = [row for day, row in days.items() if day >= first]
    told = {key: round(sum(count_of(row, key) for row in chosen), 2) for key in TOLD}
    if usage is None:
        return {**before, **told}
    models = summed(usage.groups, lambda group: group.model_id)
    return {
        **_counted(total_of(usage.groups)),
        "by_model": {model: _counted(counted) for model, counted in models.items()},
        "sessions": usage.session_count,
        **told,
    }


def _add(place: Record, fact: SessionEnded | FileWritten) -> None:
    if isinstance(fact, FileWritten):
        more: dict[str, float] = {"files_edited": 1}
    else:
        more = {"turns": 1, "active_minutes": fact.seconds / 60}
    for key, count in more.items():
        # rounded: a sum of fractions else ends in digits that mean nothing
        place[key] = round(count_of(place, key) + count, 6)
