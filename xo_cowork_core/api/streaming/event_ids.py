"""The ids of events as clients send them back."""


def parse_event_id(text: str | None) -> int:
    """Parse an event id; return 0 for a malformed or negative one."""
    if text and text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    return 0
