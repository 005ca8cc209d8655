"""Numbers of a query string."""

from xo_cowork_core.sdk import BadRequest


def page_number(text: str | None, name: str, default: int, *, least: int) -> int:
    """Read a query number; anything but a whole number from `least` up is a BadRequest."""
    if text is None or text == "":
        return default
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise BadRequest(f"`{name}` must be a whole number from {least} up")
    return min(number, 1 << 53)
