"""Reads Codex's own configuration, `config.toml`."""

import tomllib
from datetime import date, datetime, time
from pathlib import Path

from xo_cowork_core.sdk import Json, JsonValue, Unavailable

MAX_BYTES = 16 << 20


def read_config(home: Path) -> Json:
    """Return the configuration as JSON, empty without one. Raises `Unavailable`."""
    try:
        with (home / "config.toml").open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ValueError("it is too large")
        config = tomllib.loads(data.decode())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise Unavailable("Codex's config.toml can't be read") from error
    return {key: _json(value) for key, value in config.items()}


def _json(value: object) -> JsonValue:
    if isinstance(value, dict):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json(item) for item in value]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, float) and value - value != 0:
        # JSON has neither infinity nor NaN
        return str(value)
    return value if isinstance(value, str | int | float) else None
