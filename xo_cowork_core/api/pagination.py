"""Whole numbers in a query string."""

import re
from typing import Annotated

from fastapi import Query
from pydantic import WithJsonSchema

from xo_cowork_core.sdk import BadRequest

NUMBER = re.compile(r"-?[0-9]+")
MAX_DIGITS = 20
MAX_NUMBER = 1 << 53
# a string, because `whole_number` parses it and names the parameter in its error; OpenAPI documents
# an integer
Number = Annotated[str | None, Query(), WithJsonSchema({"type": "integer"})]


def whole_number(text: str | None, name: str, default: int) -> int:
    """Parse a query number, or return `default`. Raises BadRequest for any other text."""
    if text is None or text == "":
        return default
    if not NUMBER.fullmatch(text):
        raise BadRequest(f"`{name}` must be a whole number")
    # parse at most MAX_DIGITS: the result is capped below, and int() refuses very long texts
    return max(-MAX_NUMBER, min(int(text[:MAX_DIGITS]), MAX_NUMBER))


def page_number(text: str | None, name: str, default: int, *, least: int) -> int:
    """Parse a query number, or return `default`. Raises BadRequest when it is below `least`."""
    number = whole_number(text, name, default)
    if number < least:
        raise BadRequest(f"`{name}` must be a whole number from {least} up")
    return number
