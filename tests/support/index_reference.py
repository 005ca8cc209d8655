"""A slow, obvious reader of Claude's files: what the index must say, made from nothing."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]


@dataclass
class Expected:
    """What a home holds: sessions with their texts, and tokens by call."""

    sessions: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    calls: dict[str, tuple[int, int]] = field(default_factory=dict)


def expected(projects: Path) -> Expected:
    """Read every file whole."""
    found = Expected()
    newest: dict[str, tuple[str, str]] = {}
    for path in sorted(projects.glob("*/*.jsonl")):
        rows = rows_of(path)
        count(found, rows)
        texts = conversation(branch(rows))
        rank = max((time_of(row) for row in rows), default=""), inverted(str(path))
        if texts and newest.get(path.stem, ("", "")) < rank:
            newest[path.stem] = rank
            found.sessions[path.stem] = texts
    return found


def inverted(text: str) -> str:
    """Sort paths backwards: of files that end at the same moment the first counts."""
    return "".join(chr(0x10FFFF - ord(letter)) for letter in text)


def rows_of(path: Path) -> list[Json]:
    """Return the complete lines that are rows of the tree, each id once."""
    rows: dict[str, Json] = {}
    for line in path.read_bytes().split(b"\n")[:-1]:
        try:
            row = json.loads(line.decode("utf-8"))
        except ValueError:
            continue
        if isinstance(row, dict) and "parentUuid" in row and isinstance(row.get("uuid"), str):
            rows.setdefault(row["uuid"], row)
    return list(rows.values())


def count(found: Expected, rows: list[Json]) -> None:
    """Take the last figures of each call in a file, of several files those with most output."""
    mine: dict[str, tuple[int, int]] = {}
    for row in rows:
        message = row.get("message")
        if row.get("type") != "assistant" or not isinstance(message, dict):
            continue
        usage = message.get("usage")
        if isinstance(usage, dict):
            key = str(message.get("id") or row["uuid"])
            mine[key] = number(usage.get("input_tokens")), number(usage.get("output_tokens"))
    for key, call in mine.items():
        other = found.calls.get(key)
        if other is None or other[1] < call[1]:
            found.calls[key] = call


def number(value: object) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0


def time_of(row: Json) -> str:
    stamp = row.get("timestamp")
    return stamp if isinstance(stamp, str) and stamp.startswith("20") else ""


def branch(rows: list[Json]) -> list[Json]:
    """Walk up from the newest row; keep the prompts on the way, and all that hangs below them."""
    places = {row["uuid"]: place for place, row in enumerate(rows)}
    alive: set[int] = set()
    place = len(rows) - 1
    while place >= 0 and place not in alive:
        alive.add(place)
        parent = rows[place].get("parentUuid")
        if not isinstance(parent, str):
            break
        above = places.get(parent, place)
        place = above if above < place else place - 1
    prompts: list[int] = []
    for here, row in enumerate(rows):
        parent = row.get("parentUuid")
        above = places.get(parent, -1) if isinstance(parent, str) else -1
        if words(row, "user"):
            prompts.append(here)
        elif 0 <= above < here:
            prompts.append(prompts[above])
        else:
            prompts.append(prompts[-1] if prompts else -1)
    kept = zip(rows, prompts, strict=True)
    return [row for row, prompt in kept if prompt < 0 or prompt in alive]


def words(row: Json, kind: str) -> list[str]:
    """Return the texts of a row of this kind."""
    message = row.get("message")
    if row.get("type") != kind or not isinstance(message, dict):
        return []
    content = message.get("content")
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if not isinstance(blocks, list):
        return []
    return [
        block["text"]
        for block in blocks
        if isinstance(block, dict)
        and block.get("type") == "text"
        and isinstance(block.get("text"), str)
        and block["text"].strip()
    ]


def answers(row: Json) -> bool:
    """Say whether a row is part of an answer, with or without words."""
    message = row.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    blocks = isinstance(content, list) and any(isinstance(block, dict) for block in content)
    return row.get("type") == "assistant" and (isinstance(content, str) or blocks)


def conversation(rows: list[Json]) -> list[tuple[str, str]]:
    """Return who said what; an answer of several rows is one message."""
    said: list[tuple[str, str]] = []
    for row in rows:
        prompt = "\n".join(words(row, "user")).strip()
        if prompt:
            said.append(("user", prompt))
        elif answers(row):
            texts = "\n\n".join(words(row, "assistant"))
            if said and said[-1][0] == "assistant":
                before = said.pop()[1]
                texts = "\n\n".join(text for text in (before, texts) if text)
            said.append(("assistant", texts))
    return said
