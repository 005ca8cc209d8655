"""The wire style of a request (contract, Wire style): `docs` or `spa`."""

from typing import Literal, TypeAlias

from fastapi import Request

from xo_cowork_core.sdk import BadRequest

WireStyle: TypeAlias = Literal["docs", "spa"]


def wire_style_of(request: Request, default: WireStyle) -> WireStyle:
    """Return the style that the header `X-XO-Wire` asks for, else the default of the settings."""
    header = request.headers.get("x-xo-wire")
    match header:
        case None:
            return default
        case "docs" | "spa":
            return header
        case _:
            raise BadRequest("`X-XO-Wire` must be docs or spa")
