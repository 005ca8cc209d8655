"""Requests with one wrong field each, made from the OpenAPI document."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, NamedTuple, TypeAlias

Schema: TypeAlias = dict[str, Any]
FieldPath: TypeAlias = tuple[str | int, ...]
MEGABYTE = 1 << 20
# what a client may send where a text is expected; line separators of every kind
TEXTS = ("", " ", "a\0b", "a\nb", "a\r\nb", "a\rb", "a\x0bb", "a\x85b", "a\u2028b", "\ud800")
LONG_TEXT = "x" * MEGABYTE
VALUES: tuple[Any, ...] = (
    5,
    -1,
    1.5,
    True,
    [],
    {},
    ["x"],
    {"a": 1},
    10**30,
    *TEXTS,
    LONG_TEXT,
)
TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array"}
# in a path or a query, percent-encoded
URL_TEXTS = ("%00", "%0A", "a%0D%0Ab", "%E2%80%A8", "%FF", "..%2F..%2Fetc", "%20", "x" * 4000)


class Field(NamedTuple):
    """A field of a body: where it is, and the types that its schema allows; none: any."""

    path: FieldPath
    types: frozenset[str]


class DocumentedBodies:
    """The fields of the JSON bodies in an OpenAPI document."""

    def __init__(self, document: Schema) -> None:
        self._schemas: Schema = document["components"]["schemas"]

    def fields(self, operation: Schema) -> list[Field]:
        """Return the fields of an operation's body, those in lists and objects too."""
        content = operation.get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        return list(self._fields(schema, ()))

    def _fields(self, schema: Schema, place: FieldPath) -> Iterator[Field]:
        for option in self._options(schema):
            for name, part in option.get("properties", {}).items():
                options = self._options(part)
                # an enumeration without a type allows some texts
                types = {each.get("type", "string" if "enum" in each else "") for each in options}
                known = frozenset() if "" in types else frozenset(types)
                yield Field((*place, name), known)
                yield from self._fields(part, (*place, name))
            if option.get("type") == "array":
                yield from self._fields(option["items"], (*place, 0))

    def _options(self, schema: Schema) -> list[Schema]:
        if "$ref" in schema:
            return self._options(self._schemas[schema["$ref"].rpartition("/")[2]])
        if "anyOf" in schema:
            return [option for each in schema["anyOf"] for option in self._options(each)]
        return [schema]


def with_value(body: Any, path: FieldPath, value: Any) -> Any:
    """Return a body with another value at a path, whose parents are made when they are absent."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if step == 0:
        items = body if isinstance(body, list) and body else [{}]
        return [with_value(items[0], rest, value), *items[1:]]
    whole = deepcopy(body) if isinstance(body, dict) else {}
    return {**whole, step: with_value(whole.get(step), rest, value)}


def has_type(value: Any, types: frozenset[str]) -> bool:
    """Return whether a value is of one of the JSON types; of unknown types every value is."""
    name = TYPES.get(type(value), "object")
    return not types or name in types or (name == "integer" and "number" in types)
