"""Env files: `KEY=value` lines. Reading only; nothing is interpolated."""

import io
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values


def read_env_file(path: Path) -> Mapping[str, str]:
    """Return the entries of a file in its order; keys without a value are left out, and a file
    that is absent has none."""
    try:
        text = path.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return {}
    entries = dotenv_values(stream=io.StringIO(text), interpolate=False)
    return {key: value for key, value in entries.items() if value is not None}
