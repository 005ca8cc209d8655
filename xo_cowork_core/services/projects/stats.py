"""`stats.json`: the numbers of turns, as the turns themselves gave them.

`by_day` keeps `DAYS` days; `rolling` is its last 7 and 30 at the moment of the write.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from xo_cowork_core.sdk import Tokens
from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.projects.facts import Fact, FileWritten, SessionEnded
from xo_cowork_core.services.projects.records import (
    Record,
    as_record,
    count_of,
    record_to_change,
    write_record,
)
from xo_cowork_core.storage.folder import Folder

FILE = "stats.json"
# 1 and 2 have other keys: their numbers can't be added to
SCHEMA = 3
TOKENS = ("input", "output", "reasoning", "cache_read", "cache_write")
DAYS = 35
MOST_SESSIONS = 500
NUMBERS = ("files_edited", "turns", "cost", "active_minutes")


def add_to_stats(xo: Folder, facts: Sequence[Fact], now: datetime) -> None:
    """Add what happened. Blocks; the caller holds the lock."""
    counted = [fact for fact in facts if isinstance(fact, SessionEnded | FileWritten)]
    if not counted:
        return
    record = record_to_change(xo, FILE)
    if record.get("schema") != SCHEMA:
        record = Record(schema=SCHEMA)
    days = as_record(record.get("by_day"))
    sessions = as_record(record.get("by_session"))
    runtimes = as_record(record.get("by_runtime"))
    for fact in counted:
        day = as_record(days.setdefault(fact.moment.date().isoformat(), {}))
        # the newest comes last
        session = sessions[fact.session_id] = as_record(sessions.pop(fact.session_id, None))
        session |= {"runtime": fact.runtime, "updated_at": stamp(fact.moment)}
        for place in (day, session, as_record(runtimes.setdefault(fact.runtime, {}))):
            _add(place, fact)
        if isinstance(fact, SessionEnded):
            models = as_record(day.setdefault("by_model", {}))
            _add_turn(as_record(models.setdefault(fact.model, {})), fact)
            names = [*_names(day), fact.session_id]
            day["sessions"] = list(dict.fromkeys(names))
    record["updated_at"] = stamp(now)
    record["rolling"] = {f"{span}d": _rolling(days, now, span) for span in (7, 30)}
    record["by_session"] = dict(list(sessions.items())[-MOST_SESSIONS:])
    record["by_runtime"] = runtimes
    record["by_day"] = {key: days[key] for key in sorted(days)[-DAYS:]}
    write_record(xo, FILE, record, durable=False)


def _rolling(days: Record, now: datetime, span: int) -> Record:
    first = (now - timedelta(days=span - 1)).date().isoformat()
    chosen = [as_record(days[key]) for key in sorted(days) if key >= first]
    models: Record = {}
    for day in chosen:
        for model, numbers in as_record(day.get("by_model")).items():
            _merge(as_record(models.setdefault(model, {})), as_record(numbers))
    total: Record = {}
    for day in chosen:
        _merge(total, day)
    return {
        "tokens": dict.fromkeys(TOKENS, 0) | as_record(total.get("tokens")),
        "by_model": models,
        "files_edited": count_of(total, "files_edited"),
        "sessions": len({name for day in chosen for name in _names(day)}),
        "turns": count_of(total, "turns"),
        "cost": count_of(total, "cost"),
        "active_minutes": round(count_of(total, "active_minutes"), 2),
    }


def _add(place: Record, fact: SessionEnded | FileWritten) -> None:
    if isinstance(fact, FileWritten):
        place["files_edited"] = count_of(place, "files_edited") + 1
    else:
        _add_turn(place, fact)


def _add_turn(place: Record, fact: SessionEnded) -> None:
    turn: Record = {
        "tokens": tokens_record(fact.tokens),
        "turns": 1,
        "cost": fact.cost or 0.0,
        "active_minutes": fact.seconds / 60,
    }
    _merge(place, turn)


def _merge(place: Record, more: Record) -> None:
    """Add the numbers of one object to another's."""
    tokens, added = as_record(place.get("tokens")), as_record(more.get("tokens"))
    if added:
        place["tokens"] = {key: count_of(tokens, key) + count_of(added, key) for key in TOKENS}
    for key in NUMBERS:
        if key in more:
            # rounded: a sum of fractions else ends in digits that mean nothing
            place[key] = round(count_of(place, key) + count_of(more, key), 6)


def tokens_record(tokens: Tokens) -> Record:
    """Return tokens by kind."""
    return {key: getattr(tokens, key) for key in TOKENS}


def _names(day: Record) -> Iterable[str]:
    names: object = day.get("sessions")
    return [str(name) for name in names] if isinstance(names, list) else []  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
