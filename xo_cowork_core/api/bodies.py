"""The base of request bodies."""

from typing import Any, cast

from pydantic import BaseModel, ConfigDict, model_validator


class Body(BaseModel):
    """A JSON object from a client: unknown keys pass, `null` counts as absent, types are exact.

    A route whose body is optional takes `body: Some | None = None`; without a body its content
    type does not matter.
    """

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def drop_nulls(cls, given: object) -> object:
        """Take explicit nulls out, so that defaults apply."""
        if not isinstance(given, dict):
            return given
        entries = cast("dict[str, Any]", given)
        return {key: value for key, value in entries.items() if value is not None}
