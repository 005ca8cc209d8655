"""The bases of request and answer bodies.

`defer_build`: a schema is built at its first use, which shortens the start.
"""

from typing import Any, cast

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator


class RequestModel(BaseModel):
    """A JSON object from a client: unknown keys pass, `null` counts as absent, types are exact.

    A route whose body is optional takes `body: Some | None = None`; without a body its content
    type does not matter.
    """

    model_config = ConfigDict(
        strict=True, extra="ignore", frozen=True, allow_inf_nan=False, defer_build=True
    )

    @model_validator(mode="before")
    @classmethod
    def drop_nulls(cls, given: object) -> object:
        """Take explicit nulls out, so that defaults apply, and refuse what no answer could hold."""
        if not isinstance(given, dict):
            return given
        try:
            # half a surrogate pair passes as a str until somebody encodes it
            orjson.dumps(given)
        except TypeError:
            raise ValueError("it holds text that is not Unicode, or a number too large") from None
        entries = cast("dict[str, Any]", given)
        return {key: value for key, value in entries.items() if value is not None}


class ResponseModel(BaseModel):
    """A JSON object that goes out: every field stands in it, nulls too."""

    model_config = ConfigDict(frozen=True, defer_build=True)


class OkResponse(ResponseModel):
    """The request was carried out."""

    ok: bool = Field(default=True, examples=[True])
