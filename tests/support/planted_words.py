"""Words that are planted in turns, and the search for them in whatever shape they may be kept."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

# its letter beyond ASCII is written in another way in each encoding
MARK = "plänted-51c8"
KEY = "planted-key-51c8"


def planted(kind: str) -> str:
    """Return a word to plant."""
    return f"{MARK}-{kind}"


def forms(word: str) -> dict[str, bytes]:
    """Return a word as it would stand in a file, by the name of the shape."""
    raw = word.encode()
    escaped = json.dumps(word)[1:-1]
    found = {
        "raw": raw,
        "UTF-16": word.encode("utf-16-le"),
        "JSON": escaped.encode(),
        "JSON in JSON": json.dumps(escaped)[1:-1].encode(),
        "URL": quote(word).encode(),
        "hex": raw.hex().encode(),
    }
    for before in range(3):
        # what stands before and after decides the letters at both ends
        code = base64.b64encode(b"\0" * before + raw)[4 if before else 0 :]
        found[f"base64 after {before}"] = code[: len(code) // 4 * 4 - 4]
    return found


def traces(root: Path) -> Iterator[str]:
    """Tell where below a folder a planted word or key is found, names of files included."""
    wanted = forms(MARK)
    wanted |= {f"key, {shape}": form for shape, form in forms(KEY).items()}
    for path in sorted(root.rglob("*")):
        held = bytes(path.relative_to(root)) + b"\n"
        held += path.read_bytes() if path.is_file() else b""
        yield from (f"{path}: {shape}" for shape, form in wanted.items() if form in held)
