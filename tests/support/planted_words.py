"""Words that tests plant in turns, and a search for them in files, in common encodings."""

import base64
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

# the letter beyond ASCII differs in each encoding
MARK = "plänted-51c8"
KEY = "planted-key-51c8"


def planted_word(kind: str) -> str:
    """Return a word to plant."""
    return f"{MARK}-{kind}"


def encode_variants(word: str) -> dict[str, bytes]:
    """Return the bytes of a word in each encoding, by the name of the encoding."""
    raw = word.encode()
    escaped = json.dumps(word)[1:-1]
    variants = {
        "raw": raw,
        "UTF-16": word.encode("utf-16-le"),
        "JSON": escaped.encode(),
        "JSON in JSON": json.dumps(escaped)[1:-1].encode(),
        "URL": quote(word).encode(),
        "hex": raw.hex().encode(),
    }
    for before in range(3):
        # the neighbouring bytes decide the characters at both ends
        code = base64.b64encode(b"\0" * before + raw)[4 if before else 0 :]
        variants[f"base64 after {before}"] = code[: len(code) // 4 * 4 - 4]
    return variants


def find_traces(root: Path) -> Iterator[str]:
    """Yield each file below a folder whose name or content has a planted word or key."""
    wanted = encode_variants(MARK)
    wanted |= {f"key, {shape}": form for shape, form in encode_variants(KEY).items()}
    for path in sorted(root.rglob("*")):
        held = bytes(path.relative_to(root)) + b"\n"
        # files of the server's own come and go
        with suppress(FileNotFoundError):
            held += path.read_bytes() if path.is_file() else b""
        yield from (f"{path}: {shape}" for shape, form in wanted.items() if form in held)
