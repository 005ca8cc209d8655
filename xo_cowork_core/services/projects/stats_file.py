"""`stats.json`: tokens and costs from the index; turns, files and minutes from events.

What events report is added up here by day, session and runtime; everything else is replaced
whenever the index has new figures. `rolling` is the last 7 and 30 days at the time of the write.
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
    load_for_change,
    text_of,
    write_record,
)
from xo_cowork_core.services.usage.sums import Sum, Usage, summed, total_of
from xo_cowork_core.storage.folder_handle import FolderHandle

FILE = "stats.json"
# versions 1 to 3 have the tokens that turns reported, 1 and 2 have other keys
SCHEMA = 4
DAYS = 35
MAX_SESSIONS = 500
FROM_EVENTS = ("files_edited", "turns", "active_minutes")
FROM_INDEX = ("tokens", "cost", "by_model", "sessions")


def write_stats(
    xo: FolderHandle, events: Sequence[ProjectEvent], figures: ProjectFigures | None, now: datetime
) -> None:
    """Add the events, and set the figures if there are new ones.

    Blocks; the caller holds the lock.
    """
    counted_events = [event for event in events if isinstance(event, SessionEnded | FileWritten)]
    if not counted_events and figures is None:
        return
    record = load_for_change(xo, FILE)
    if record.get("schema") not in {3, SCHEMA}:
        record = Record()
    rolling = as_record(record.get("rolling"))
    days, sessions, runtimes = (
        {key: as_record(row) for key, row in as_record(record.get(name)).items()}
        for name in ("by_day", "by_session", "by_runtime")
    )
    for event in counted_events:
        session = sessions.setdefault(event.session_id, {})
        session |= {"runtime": event.runtime, "updated_at": stamp(event.moment)}
        day = days.setdefault(event.moment.date().isoformat(), {})
        for row in (day, session, runtimes.setdefault(event.runtime, {})):
            _add(row, event)
    if figures:
        _set_figures(figures, days, sessions, runtimes)
    newest = sorted(sessions.items(), key=lambda item: text_of(item[1], "updated_at"))
    spans = {WEEK_DAYS: figures and figures.week, MONTH_DAYS: figures and figures.month}
    record |= {
        "schema": SCHEMA,
        "updated_at": stamp(now),
        "rolling": {
            f"{span}d": _rolling(as_record(rolling.get(f"{span}d")), usage, days, now, span)
            for span, usage in spans.items()
        },
        "by_session": dict(newest[-MAX_SESSIONS:]),
        "by_runtime": runtimes,
        "by_day": {key: days[key] for key in sorted(days)[-DAYS:]},
    }
    write_record(xo, FILE, record, durable=False)


def _set_figures(
    figures: ProjectFigures,
    days: dict[str, Record],
    sessions: dict[str, Record],
    runtimes: dict[str, Record],
) -> None:
    """Replace everything that comes from the index."""
    year = figures.year
    _replace(days, summed(year.groups, lambda group: group.day))
    _replace(runtimes, summed(year.groups, lambda group: group.agent_name))
    _replace(sessions, {each.session_id: each.sum for each in year.sessions})
    for each in year.sessions:
        sessions[each.session_id]["runtime"] = each.agent_name
    for session in figures.sessions:
        if row := sessions.get(session.session_id):
            row["updated_at"] = stamp(session.time_updated)


def _replace(rows: dict[str, Record], sums: dict[str, Sum]) -> None:
    for row in rows.values():
        for key in FROM_INDEX:
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
    totals = {key: round(sum(count_of(row, key) for row in chosen), 2) for key in FROM_EVENTS}
    if usage is None:
        return {**before, **totals}
    models = summed(usage.groups, lambda group: group.model_id)
    return {
        **_counted(total_of(usage.groups)),
        "by_model": {model: _counted(counted) for model, counted in models.items()},
        "sessions": usage.session_count,
        **totals,
    }


def _add(row: Record, event: SessionEnded | FileWritten) -> None:
    if isinstance(event, FileWritten):
        increments: dict[str, float] = {"files_edited": 1}
    else:
        increments = {"turns": 1, "active_minutes": event.seconds / 60}
    for key, count in increments.items():
        # rounded, because a sum of fractions ends in meaningless digits
        row[key] = round(count_of(row, key) + count, 6)
