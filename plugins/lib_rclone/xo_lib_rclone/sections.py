"""Reads rclone's configuration file without rclone. Only the daemon writes it."""

from collections.abc import Mapping
from configparser import Error as ConfigError
from configparser import RawConfigParser
from pathlib import Path

MAX_FILE_BYTES = 1 << 20


def read_sections(file: Path) -> Mapping[str, Mapping[str, str]]:
    """Return all sections by name, of a missing or unreadable file none. Blocks."""
    parser = RawConfigParser(
        delimiters=("=",), comment_prefixes=(";", "#"), strict=False, default_section="\0"
    )
    parser.optionxform = str  # pyright: ignore[reportAttributeAccessIssue]  # the documented way
    try:
        with file.open(encoding="utf-8", errors="replace") as stream:
            parser.read_string(stream.read(MAX_FILE_BYTES))
    except (OSError, ConfigError):
        return {}
    return {name: dict(parser.items(name)) for name in parser.sections()}
