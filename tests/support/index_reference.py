"""A slow, simple reader of Claude's files: the reference for the content of the index."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]


@dataclass
class Expected:
    """The expected content of the index: sessions with their texts, and tokens by call."""

    sessions: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    calls: dict[str, tuple[int, int]] = field(default_factory=dict)


def expected(projects: Path) -> Expected:
    """Read every file in full."""
    content = Expected()
    newest: dict[str, tuple[str, str]] = {}
    for path in sorted(projects.glob("*/*.jsonl")):
        rows = rows_of(path)
        add_calls(content, rows)
        texts = conversation(branch(rows))
        rank = max((time_of(row) for row in rows), default=""), reversed_order(str(path))
        if texts and newest.get(path.stem, ("", "")) < rank:
            newest[path.stem] = rank
            content.sessions[path.stem] = texts
    return content


def reversed_order(text: str) -> str:
    """Return a key that sorts backwards: of files with the same newest time the first path wins."""
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


def add_calls(content: Expected, rows: list[Json]) -> None:
    """Add the last usage of each call in a file; of several files the one with most output wins."""
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
        other = content.calls.get(key)
        if other is None or other[1] < call[1]:
            content.calls[key] = call


def number(value: object) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0


def time_of(row: Json) -> str:
    stamp = row.get("timestamp")
    return stamp if isinstance(stamp, str) and stamp.startswith("20") else ""


def branch(rows: list[Json]) -> list[Json]:
    """Return the prompts from the newest row up to the root, and the rows below them."""
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
        if texts_of(row, "user"):
            prompts.append(here)
        elif 0 <= above < here:
            prompts.append(prompts[above])
        else:
            prompts.append(prompts[-1] if prompts else -1)
    kept = zip(rows, prompts, strict=True)
    return [row for row, prompt in kept if prompt < 0 or prompt in alive]


def texts_of(row: Json, kind: str) -> list[str]:
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


def is_answer(row: Json) -> bool:
    """Return whether a row is part of an answer, with or without text."""
    message = row.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    blocks = isinstance(content, list) and any(isinstance(block, dict) for block in content)
    return row.get("type") == "assistant" and (isinstance(content, str) or blocks)


def conversation(rows: list[Json]) -> list[tuple[str, str]]:
    """Return the role and text of each message; an answer of several rows is one message."""
    messages: list[tuple[str, str]] = []
    for row in rows:
        prompt = "\n".join(texts_of(row, "user")).strip()
        if prompt:
            messages.append(("user", prompt))
        elif is_answer(row):
            texts = "\n\n".join(texts_of(row, "assistant"))
            if messages and messages[-1][0] == "assistant":
                before = messages.pop()[1]
                texts = "\n\n".join(text for text in (before, texts) if text)
            messages.append(("assistant", texts))
    return messages
