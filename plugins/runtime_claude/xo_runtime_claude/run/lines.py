"""One line of the CLI's stdout: a fast path for text deltas, a full parse for the rest."""

from typing import Any

import orjson

HEAD = b'{"type":"stream_event","event":{"type":"content_block_delta","index":'
TEXT = b',"delta":{"type":"text_delta","text":"'
END = b'"}},"session_id":"'
MAIN = b'"parent_tool_use_id":null'
HEAD_LENGTH = len(HEAD)
TEXT_LENGTH = len(TEXT)
INDEX_DIGITS = 6


def fast_text(line: bytes) -> str | None:
    """Return the text of the main agent's text delta in the layout that the CLI prints; else None.

    Three times as fast as a parse. Safe: inside a JSON string a quote is escaped, so `END`
    can't be part of the text; an unescaped one means another layout.
    """
    if not line.startswith(HEAD):
        return None
    start = line.find(TEXT, HEAD_LENGTH, HEAD_LENGTH + INDEX_DIGITS + TEXT_LENGTH)
    if start < 0:
        return None
    start += TEXT_LENGTH
    end = line.find(END, start)
    if end < 0 or line.find(MAIN, end) < 0:
        return None
    raw = line[start:end]
    try:
        if b"\\" in raw:
            return orjson.loads(b'"' + raw + b'"')
        return None if b'"' in raw else raw.decode()
    except ValueError:
        return None


def parse(line: bytes) -> dict[str, Any] | None:
    """Return a line's record; None for anything that isn't a JSON object."""
    try:
        record = orjson.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
