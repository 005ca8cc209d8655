"""The bases of request and response bodies, and the types that they share."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeAlias, TypeVar, cast

import orjson
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetPydanticSchema,
    WrapValidator,
    model_validator,
)
from typing_extensions import TypedDict

T = TypeVar("T")
NUL_ESCAPE = rb"\u0000"


def _keep(value: object, _: object) -> object:
    return value


# A body that is built as a TypedDict. FastAPI documents and serialises it by that type, but does
# not validate it: pyright has checked the function that builds it, and lists are hot paths.
Unvalidated: TypeAlias = Annotated[T, WrapValidator(_keep)]
# what an agent or a plugin put there
JsonObject: TypeAlias = Annotated[
    Mapping[str, object], GetPydanticSchema(lambda _, handler: handler(dict[str, object]))
]
# a name or an id, not a text: longer ones are mistakes
Name: TypeAlias = Annotated[str, Field(max_length=255)]
# entries of the OpenAPI document, in the types of FastAPI's parameters
OpenApiExtra: TypeAlias = dict[str, Any]
Responses: TypeAlias = dict[int | str, OpenApiExtra]


class RequestModel(BaseModel):
    """A JSON object from a client. Unknown keys are ignored, `null` counts as absent, types are
    exact.

    A NUL is refused in every text, unless the class sets `takes_nul`: few programs and files bear
    one. A route whose body is optional takes `body: SomeRequest | None = None`; without a body its
    content type does not matter.
    """

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, allow_inf_nan=False)

    takes_nul: ClassVar[bool] = False

    @model_validator(mode="before")
    @classmethod
    def drop_nulls(cls, body: object) -> object:
        """Remove nulls, so that defaults apply. Refuse values that JSON cannot hold, and NUL."""
        if not isinstance(body, dict):
            return body
        try:
            # half of a surrogate pair is a valid str, but cannot be encoded
            encoded = orjson.dumps(body)
        except TypeError:
            raise ValueError("it holds text that is not Unicode, or a number too large") from None
        if not cls.takes_nul and _has_nul(encoded):
            raise ValueError("it holds a NUL character")
        entries = cast("dict[str, object]", body)
        return {key: value for key, value in entries.items() if value is not None}


def _has_nul(encoded: bytes) -> bool:
    """Return whether JSON holds a NUL: the escape of one, and not of a backslash before `u0000`."""
    return NUL_ESCAPE in encoded and NUL_ESCAPE in encoded.replace(rb"\\", b"")


class OkResponse(TypedDict):
    """The request was carried out."""

    ok: Annotated[bool, Field(examples=[True])]


def response_example(body: object) -> Responses:
    """Return a route's `responses` with an example of its answer."""
    return {200: {"content": {"application/json": {"example": body}}}}
