"""Checks the content of a stream, after the time was taken."""

import hashlib
import re
from dataclasses import dataclass

import orjson

FRAME = re.compile(rb"id: (\d+)\nevent: ([a-z-]+)\ndata: (.*)\n\n")


@dataclass(frozen=True, slots=True)
class Content:
    """Content of a stream: the number of frames and text deltas, a digest of the text, faults."""

    events: int
    deltas: int
    text_sha: str
    contiguous: bool
    last: str


def decode_body(raw: bytes) -> bytes:
    """Take the body out of a whole HTTP/1.1 answer, chunked or not."""
    head, _, rest = raw.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" not in head.lower():
        return rest
    pieces: list[bytes] = []
    place = 0
    while True:
        end = rest.find(b"\r\n", place)
        if end < 0:
            return b"".join(pieces)
        size = int(rest[place:end], 16)
        if size == 0:
            return b"".join(pieces)
        pieces.append(rest[end + 2 : end + 2 + size])
        place = end + 2 + size + 2


def parse_content(body: bytes) -> Content:
    """Read frames strictly: whatever lies between two of them makes the ids not contiguous."""
    text = hashlib.sha256()
    events = deltas = place = 0
    name = b""
    contiguous = True
    for match in FRAME.finditer(body):
        number, name, data = match.groups()
        events += 1
        contiguous &= int(number) == events and match.start() == place
        place = match.end()
        if name == b"text-delta":
            deltas += 1
            text.update(orjson.loads(data)["text"].encode())
    whole = contiguous and place == len(body)
    return Content(events, deltas, text.hexdigest(), whole, name.decode())
