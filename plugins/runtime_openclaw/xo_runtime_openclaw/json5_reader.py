"""Read JSON5 with `pyjson5`, and name the line of an error without quoting the text."""

import re
from typing import TYPE_CHECKING

from xo_cowork_core.sdk import JsonValue

if TYPE_CHECKING:
    import pyjson5

MAX_DEPTH = 128
POSITION = re.compile(r"near (\d+)")


class Json5Error(ValueError):
    """The text is not JSON5, or not shaped as an edit expects. The message names the line."""


def read_json5(text: str) -> JsonValue:
    """Return the value of a text; of equal keys the last counts. Raises Json5Error."""
    import pyjson5  # noqa: PLC0415 - not part of the start

    try:
        return pyjson5.decode(text, MAX_DEPTH)
    except pyjson5.Json5NestingTooDeep as error:
        reason = f"more than {MAX_DEPTH} levels of nesting"
        raise Json5Error(f"line {_line_of(error, text)}: {reason}") from None
    except pyjson5.Json5DecoderException as error:
        # `str(error)` holds the values read so far, among them tokens
        raise Json5Error(f"line {_line_of(error, text)}: not valid JSON5") from None


def _line_of(error: "pyjson5.Json5DecoderException", text: str) -> int:
    position = POSITION.search(str(error.message))
    offset = max(0, int(position[1]) - 1) if position else 0
    return text.count("\n", 0, offset) + 1
