"""Frozen dataclasses as JSON values with their secrets in clear text, for private files alone."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import cast

from pydantic import SecretStr


def encode_private(value: object) -> object:
    """Return the JSON value of a dataclass, mapping, sequence or scalar; secrets are revealed.

    A pydantic `TypeAdapter` of the dataclass reads the result back.
    """
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value):
        return {each.name: encode_private(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        mapping = cast("Mapping[str, object]", value)
        return {name: encode_private(entry) for name, entry in mapping.items()}
    if isinstance(value, (list, tuple)):
        return [encode_private(entry) for entry in cast("list[object]", value)]
    return value
