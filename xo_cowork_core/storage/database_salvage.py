"""Copies the readable rows of a damaged database."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path


def salvage(damaged: Path, target: sqlite3.Connection) -> int:
    """Copy each readable row into the same table of `target`; return how many. Blocks."""
    copied = 0
    with closing(sqlite3.connect(damaged, isolation_level=None)) as source:
        target.execute("BEGIN")
        for table, order in _tables(target):
            copied += _copy(source, target, table, order)
        target.execute("COMMIT")
    return copied


def _tables(target: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return each table with the ORDER BY that reverses the order of its rows on disk."""
    rows = target.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    return [(name, _order(target, name, sql)) for name, sql in rows]


def _order(target: sqlite3.Connection, table: str, sql: str) -> str:
    if "WITHOUT ROWID" not in sql:
        return "rowid DESC"
    columns = target.execute(f"PRAGMA table_info({table})").fetchall()
    keys = sorted((place, name) for _, name, _, _, _, place in columns if place)
    return ", ".join(f"{name} DESC" for _, name in keys)


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, table: str, order: str) -> int:
    before = target.total_changes
    # from both ends: an unreadable page costs only its own rows
    for direction in ("", f" ORDER BY {order}"):
        with suppress(sqlite3.DatabaseError):
            names = _columns(source, target, table)
            placeholders = ", ".join("?" * len(names))
            # the names come from our own schema
            into = f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({placeholders})"  # noqa: S608
            for row in _rows(source, f"SELECT {', '.join(names)} FROM {table}{direction}"):  # noqa: S608
                target.execute(into, row)
    return target.total_changes - before


def _columns(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> list[str]:
    present, expected = (
        [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        for connection in (source, target)
    )
    return [name for name in expected if name in present]


def _rows(source: sqlite3.Connection, query: str) -> Iterator[tuple[object, ...]]:
    with closing(source.execute(query)) as cursor:
        yield from cursor
