"""Numbers of a query string."""

import re
from typing import Annotated

from fastapi import Query
from pydantic import WithJsonSchema

from xo_cowork_core.sdk import BadRequest

NUMBER = re.compile(r"-?[0-9]+")
MOST_DIGITS = 20
# read by `page_number`, whose refusal names the parameter; clients are told the true type
Number = Annotated[str | None, Query(), WithJsonSchema({"type": "integer"})]


def page_number(text: str | None, name: str, default: int, *, least: int) -> int:
    """Read a query number; anything but a whole number from `least` up is a BadRequest."""
    if text is None or text == "":
        return default
    # of many digits the first few say enough: no number that large means anything else
    number = int(text[:MOST_DIGITS]) if NUMBER.fullmatch(text) else least - 1
    if number < least:
        raise BadRequest(f"`{name}` must be a whole number from {least} up")
    return min(number, 1 << 53)
