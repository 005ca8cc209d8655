"""The window of days that a usage request asks for."""

from datetime import date, timedelta

from xo_cowork_core.api.pagination import whole_number
from xo_cowork_core.sdk import BadRequest

MAX_DAYS = 365
FIRST_YEAR = 1970


def days_of(text: str | None, default: int = 30) -> int:
    """Read `days`; a number outside 1 to 365 counts as the nearest of these. Raises BadRequest."""
    return min(max(whole_number(text, "days", default), 1), MAX_DAYS)


def window_of(days: str | None, start: str | None, end: str | None, *, today: date) -> list[str]:
    """Return the days from `start` to `end`, or the last `days` of them. Raises BadRequest."""
    last = _date_of(end, "end") if end else today
    first = _date_of(start, "start") if start else last - timedelta(days=days_of(days) - 1)
    if first > last or (last - first).days >= MAX_DAYS:
        raise BadRequest("`start` must be before `end`, by at most 365 days")
    count = (last - first).days + 1
    return [(first + timedelta(days=number)).isoformat() for number in range(count)]


def _date_of(text: str, name: str) -> date:
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        day = date.min
    # a window that reaches before year 1 cannot be computed
    if day.year < FIRST_YEAR:
        raise BadRequest(f"`{name}` must be a date like 2026-01-31, from {FIRST_YEAR} on")
    return day
