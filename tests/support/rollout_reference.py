"""A slow, simple reader of Codex's rollouts: the reference for the content of the index."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.index_reference import Expected, number, reversed_order, time_of

Json = dict[str, Any]
NO_TIME = ""
STARTED = "task_started"


@dataclass
class Run:
    """The messages of one turn without another turn between."""

    turn: str
    time: str
    user: list[str] = field(default_factory=list[str])
    user_times: list[str] = field(default_factory=list[str])
    agent: list[str] = field(default_factory=list[str])
    answers: bool = False


def expected(sessions: Path) -> Expected:
    """Read every file in full, with the rows of the file that it continues."""
    home = sessions.parent
    files = {path: rows_of(path) for path in sorted(home.glob("sessions/*/*/*/rollout-*"))}
    files |= {path: rows_of(path) for path in sorted(home.glob("archived_sessions/rollout-*"))}
    content = Expected()
    newest: dict[str, tuple[str, str]] = {}
    for path, rows in sorted(files.items()):
        add_calls(content, rows)
        messages, times = conversation(rows_with_base(files, path, ()))
        session_id = path.stem[28:64]
        own = max((time_of(row) for row in rows), default=NO_TIME)
        first = min((time for time in times if time), default=NO_TIME)
        rank = max(own, first), reversed_order(str(path))
        is_listed = path.parent.name != "archived_sessions" and (messages or base_of(rows))
        if is_listed and newest.get(session_id, ("", "")) < rank:
            newest[session_id] = rank
            content.sessions[session_id] = messages
    return content


def rows_of(path: Path) -> list[Json]:
    """Return the complete lines of the kinds that the index reads."""
    rows: list[Json] = []
    has_meta = False
    for line in path.read_bytes().split(b"\n")[:-1]:
        try:
            row = json.loads(line.decode("utf-8"))
        except ValueError:
            continue
        if not isinstance(row, dict) or not isinstance(row.get("payload"), dict):
            continue
        has_meta = has_meta or row.get("type") == "session_meta"
        # no `session_meta` here says that the history is paginated
        if is_relevant(row, is_legacy=has_meta):
            rows.append(row)
    return rows


def is_relevant(row: Json, *, is_legacy: bool) -> bool:
    kinds = {"session_meta", "turn_context", "token_usage_record"}
    events = {"item_completed", "task_complete", "turn_aborted"}
    if is_legacy:
        # says nothing, but its time is one of the session
        events.add(STARTED)
    event = row["payload"].get("type")
    return row.get("type") in kinds or (row.get("type") == "event_msg" and event in events)


def base_of(rows: list[Json]) -> tuple[str, int] | None:
    """Read the first `session_meta`."""
    for row in rows:
        if row["type"] == "session_meta":
            base = row["payload"].get("history_base")
            if isinstance(base, dict) and isinstance(base.get("end_ordinal_exclusive"), int):
                return base["thread_id"], base["end_ordinal_exclusive"]
            return None
    return None


def rows_with_base(
    files: dict[Path, list[Json]], path: Path, above: tuple[Path, ...]
) -> list[Json]:
    """Return the rows of a file, after those that it inherits from the file that it continues."""
    base = base_of(files[path])
    named = [other for other in files if base and other.stem.endswith(base[0])]
    before: list[Json] = []
    if base and named and min(named) not in (*above, path):
        rows = rows_with_base(files, min(named), (*above, path))
        before = [row for row in rows if ordinal(row) < base[1]]
    return before + files[path]


def ordinal(row: Json) -> int:
    place = row.get("ordinal")
    return place if isinstance(place, int) else -1


def add_calls(content: Expected, rows: list[Json]) -> None:
    """Add the last usage of each call in a file; of several files the one with most output wins."""
    mine: dict[str, tuple[int, int]] = {}
    for row in rows:
        body = row["payload"]
        usage = body.get("usage")
        if row["type"] != "token_usage_record" or not isinstance(usage, dict):
            continue
        key = body.get("response_id")
        key = key if isinstance(key, str) and key else f"{body.get('turn_id')}:{ordinal(row)}"
        mine[key] = number(usage.get("input_tokens")), number(usage.get("output_tokens"))
    for key, call in mine.items():
        other = content.calls.get(key)
        if other is None or other[1] < call[1]:
            content.calls[key] = call


def conversation(rows: list[Json]) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the role and text of each message, and their times.

    A run gives the messages of the user first, then all texts of the agent as one message.
    """
    messages: list[tuple[str, str]] = []
    times: list[str] = []
    for run in runs_of(rows):
        messages += [("user", text) for text in run.user]
        times += run.user_times
        if run.answers:
            messages.append(("assistant", "\n\n".join(run.agent)))
            times.append(run.time)
    return messages, times


def runs_of(rows: list[Json]) -> list[Run]:
    """Divide rows into runs, where the turn changes."""
    runs: list[Run] = []
    for row in rows:
        body, item = row["payload"], row["payload"].get("item")
        if row["type"] == "event_msg" and body.get("type") == "item_completed":
            if isinstance(item, dict):
                turn = str(body.get("turn_id"))
                if not runs or runs[-1].turn != turn:
                    runs.append(Run(turn, time_of(row)))
                add_item(runs[-1], item, time_of(row))
        elif runs and adds_empty_answer(row, runs[-1]):
            runs[-1].answers = True
    return runs


def adds_empty_answer(row: Json, run: Run) -> bool:
    """Return whether a row gives a run an answer without text: the usage of a call, or an error."""
    body = row["payload"]
    if row["type"] == "token_usage_record":
        return isinstance(body.get("usage"), dict) and body.get("turn_id") == run.turn
    is_end = row["type"] == "event_msg" and body.get("type") != STARTED
    failed = is_end and bool(body.get("error"))
    return failed and body.get("turn_id") in {run.turn, None}


def add_item(run: Run, item: Json, time: str) -> None:
    """Add the text or the action of an item to a run."""
    match item.get("type"):
        case "UserMessage":
            text = texts(item).rstrip()
            run.user += [text] if text else []
            run.user_times += [time] if text else []
        case "AgentMessage":
            text = item.get("text") or texts(item)
            run.agent += [text] if text else []
            run.answers = run.answers or bool(text)
        case "Reasoning":
            run.answers = run.answers or bool(item.get("summary_text"))
        case _:
            run.answers = True


def texts(item: Json) -> str:
    content = item.get("content")
    blocks = content if isinstance(content, list) else []
    values = [block.get("text") for block in blocks if isinstance(block, dict)]
    return "".join(text for text in values if isinstance(text, str))
