"""Output of the commands."""

import json


def print_line(text: str) -> None:
    """Write a text to stdout at once."""
    print(text, flush=True)  # noqa: T201


def print_json(value: object) -> None:
    """Write a value as indented JSON."""
    print_line(json.dumps(value, indent=2))
