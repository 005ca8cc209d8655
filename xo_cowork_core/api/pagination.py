"""Whole numbers in a query string."""

import re
from typing import Annotated

from fastapi import Query
from pydantic import WithJsonSchema

from xo_cowork_core.sdk import BadRequest

NUMBER = re.compile(r"-?[0-9]+")
MAX_DIGITS = 20
# a string, because `page_number` parses it and names the parameter in its error; OpenAPI documents
# an integer
Number = Annotated[str | None, Query(), WithJsonSchema({"type": "integer"})]


def page_number(text: str | None, name: str, default: int, *, least: int) -> int:
    """Parse a query number, or return `default`. Raises BadRequest when it is below `least`."""
    if text is None or text == "":
        return default
    # parse at most MAX_DIGITS: the result is capped below, and int() refuses very long texts
    number = int(text[:MAX_DIGITS]) if NUMBER.fullmatch(text) else least - 1
    if number < least:
        raise BadRequest(f"`{name}` must be a whole number from {least} up")
    return min(number, 1 << 53)
