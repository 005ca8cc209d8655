"""The body that finishes a sign-in: JSON, or a form as some clients send it."""

from typing import Annotated
from urllib.parse import parse_qs

import orjson
from fastapi import Request
from pydantic import BaseModel, Field, ValidationError

from xo_cowork_core.sdk import BadRequest

MAX_BODY_BYTES = 64 * 1024


class SetupTokenCode(BaseModel):
    """What the browser showed at the end: the code, with the `#` in it, or the page's address."""

    session_id: Annotated[str, Field(min_length=1, max_length=64, examples=["3f0c9f5e8a1b4c7d"])]
    code: Annotated[str, Field(min_length=1, max_length=16384, examples=["4aBcD#state"])]


async def read_body(request: Request) -> SetupTokenCode:
    """Return the body, JSON or form. Raises BadRequest."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    size = request.headers.get("content-length", "")
    if size.isdecimal() and int(size) > MAX_BODY_BYTES:
        raise BadRequest("The body is too large.")
    content = await request.body()
    if len(content) > MAX_BODY_BYTES:
        raise BadRequest("The body is too large.")
    try:
        if kind == "application/x-www-form-urlencoded":
            pairs = parse_qs(content.decode(), max_num_fields=16)
            values: object = {name: texts[0] for name, texts in pairs.items()}
        elif kind == "application/json":
            values = orjson.loads(content)
        else:
            raise BadRequest("The body must be a JSON object, sent as application/json.")
        body = SetupTokenCode.model_validate(values, strict=True)
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors()[0]["loc"])
        reason = error.errors()[0]["msg"]
        raise BadRequest(f"Field {field}: {reason}." if field else f"The body: {reason}.") from None
    except ValueError:
        raise BadRequest("The body can't be read.") from None
    if "\0" in body.code + body.session_id:
        raise BadRequest("A NUL character is not allowed.")
    return body
