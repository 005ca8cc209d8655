"""A slow, obvious reader of Codex's rollouts: what the index must say, made from nothing."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.index_reference import Expected, inverted, number, time_of

Json = dict[str, Any]
NO_TIME = ""


@dataclass
class Run:
    """What was said without another turn between."""

    turn: str
    time: str
    user: list[str] = field(default_factory=list[str])
    user_times: list[str] = field(default_factory=list[str])
    agent: list[str] = field(default_factory=list[str])
    answers: bool = False


def expected(sessions: Path) -> Expected:
    """Read every file whole, and what it goes on from with it."""
    home = sessions.parent
    files = {path: rows_of(path) for path in sorted(home.glob("sessions/*/*/*/rollout-*"))}
    files |= {path: rows_of(path) for path in sorted(home.glob("archived_sessions/rollout-*"))}
    found = Expected()
    newest: dict[str, tuple[str, str]] = {}
    for path, rows in sorted(files.items()):
        count(found, rows)
        said, times = conversation(living(files, path, ()))
        session_id = path.stem[28:64]
        own = max((time_of(row) for row in rows), default=NO_TIME)
        first = min((time for time in times if time), default=NO_TIME)
        rank = max(own, first), inverted(str(path))
        told = path.parent.name != "archived_sessions" and (said or base_of(rows))
        if told and newest.get(session_id, ("", "")) < rank:
            newest[session_id] = rank
            found.sessions[session_id] = said
    return found


def rows_of(path: Path) -> list[Json]:
    """Return the complete lines that tell something."""
    rows: list[Json] = []
    for line in path.read_bytes().split(b"\n")[:-1]:
        try:
            row = json.loads(line.decode("utf-8"))
        except ValueError:
            continue
        if isinstance(row, dict) and isinstance(row.get("payload"), dict) and tells(row):
            rows.append(row)
    return rows


def tells(row: Json) -> bool:
    kinds = {"session_meta", "turn_context", "token_usage_record"}
    events = {"item_completed", "task_complete", "turn_aborted"}
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


def living(files: dict[Path, list[Json]], path: Path, above: tuple[Path, ...]) -> list[Json]:
    """Return the rows of a file, before them those that hold of the file that it goes on from."""
    base = base_of(files[path])
    named = [other for other in files if base and other.stem.endswith(base[0])]
    before: list[Json] = []
    if base and named and min(named) not in (*above, path):
        rows = living(files, min(named), (*above, path))
        before = [row for row in rows if ordinal(row) < base[1]]
    return before + files[path]


def ordinal(row: Json) -> int:
    place = row.get("ordinal")
    return place if isinstance(place, int) else -1


def count(found: Expected, rows: list[Json]) -> None:
    """Take the last figures of each call in a file, of several files those with most output."""
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
        other = found.calls.get(key)
        if other is None or other[1] < call[1]:
            found.calls[key] = call


def conversation(rows: list[Json]) -> tuple[list[tuple[str, str]], list[str]]:
    """Return who said what, and when: in a run first what the user said, then all of the
    agent's in one message."""
    said: list[tuple[str, str]] = []
    times: list[str] = []
    for run in runs_of(rows):
        said += [("user", text) for text in run.user]
        times += run.user_times
        if run.answers:
            said.append(("assistant", "\n\n".join(run.agent)))
            times.append(run.time)
    return said, times


def runs_of(rows: list[Json]) -> list[Run]:
    """Divide rows where another turn has the word."""
    runs: list[Run] = []
    for row in rows:
        body, item = row["payload"], row["payload"].get("item")
        if row["type"] == "event_msg" and body.get("type") == "item_completed":
            if isinstance(item, dict):
                turn = str(body.get("turn_id"))
                if not runs or runs[-1].turn != turn:
                    runs.append(Run(turn, time_of(row)))
                speak(runs[-1], item, time_of(row))
        elif runs and closes(row, runs[-1]):
            runs[-1].answers = True
    return runs


def closes(row: Json, run: Run) -> bool:
    """Say whether a row gives a run an answer without words: what a call cost, or how it failed."""
    body = row["payload"]
    if row["type"] == "token_usage_record":
        return isinstance(body.get("usage"), dict) and body.get("turn_id") == run.turn
    failed = row["type"] == "event_msg" and bool(body.get("error"))
    return failed and body.get("turn_id") in {run.turn, None}


def speak(run: Run, item: Json, time: str) -> None:
    """Add what was said or done."""
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
    found = [block.get("text") for block in blocks if isinstance(block, dict)]
    return "".join(text for text in found if isinstance(text, str))
