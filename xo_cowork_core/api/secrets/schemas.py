"""The bodies of the secrets family."""

from typing import Annotated

from pydantic import Field, SecretStr
from typing_extensions import TypedDict

from xo_cowork_core.api.models import JsonObject, RequestModel

KEY_EXAMPLE = "ANTHROPIC_API_KEY"
VALUE_EXAMPLE = "sk-ant-example"
ENTRY_EXAMPLE = {"key": KEY_EXAMPLE, "value": VALUE_EXAMPLE}
SCHEMA_EXAMPLE = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "ACME_KEY": {
            "type": "string",
            "title": "API key",
            "description": "From your Acme account.",
            "format": "password",
            "writeOnly": True,
            "minLength": 1,
        }
    },
    "required": ["ACME_KEY"],
    "additionalProperties": False,
}
FORM_EXAMPLE = {
    "plugin": "runtime_acme",
    "title": "Acme",
    "schema": SCHEMA_EXAMPLE,
    "set": ["ACME_KEY"],
    "missing": [],
    "env_file": "/home/coder/.xo-cowork/env",
    "error": None,
}


class EntryRequest(RequestModel):
    """One entry of an env file. An entry with an empty key is skipped."""

    takes_nul = True  # the store says which entry is wrong

    key: str = Field(examples=[KEY_EXAMPLE])
    value: SecretStr = Field(examples=[VALUE_EXAMPLE])


class EnvRequest(RequestModel):
    """All entries of an env file: keys that are left out are deleted."""

    takes_nul = True  # the store says which entry is wrong

    entries: list[EntryRequest] = Field(examples=[[ENTRY_EXAMPLE]])


class ValueRequest(RequestModel):
    """The new value of a secret."""

    takes_nul = True  # the store says which entry is wrong

    value: SecretStr = Field(examples=[VALUE_EXAMPLE])


class FormRequest(RequestModel):
    """Values of a plugin's form. Keys that are left out keep their value."""

    takes_nul = True  # the store says which entry is wrong

    values: dict[str, SecretStr | None] = Field(examples=[{"ACME_KEY": "acme-example"}])


class Entry(TypedDict):
    """One entry of an env file, with its value."""

    key: Annotated[str, Field(examples=[KEY_EXAMPLE])]
    value: Annotated[str, Field(examples=[VALUE_EXAMPLE])]


class EnvResponse(TypedDict):
    """Every entry of an env file, in its order."""

    entries: Annotated[list[Entry], Field(examples=[[ENTRY_EXAMPLE]])]


class KeysResponse(TypedDict):
    """The keys that have a value."""

    keys: Annotated[list[str], Field(examples=[[KEY_EXAMPLE]])]


class SecretItem(TypedDict):
    """A secret without its value. `preview` is the end of a long value, behind dots."""

    key: Annotated[str, Field(examples=[KEY_EXAMPLE])]
    is_set: Annotated[bool, Field(examples=[True])]
    preview: Annotated[str, Field(examples=["••••mple"])]


class SecretsResponse(TypedDict):
    """The secrets of an env file, in its order."""

    items: list[SecretItem]
    total: Annotated[int, Field(examples=[1])]


class ChangedSecret(SecretItem):
    """A secret that was stored."""

    ok: Annotated[bool, Field(examples=[True])]


class SecretForm(TypedDict):
    """What a plugin needs: the JSON Schema of its form, and which of its keys have a value.

    `set` are the keys with a value, `missing` the required ones without. `error` is why the env
    file cannot be read.
    """

    plugin: Annotated[str, Field(examples=["runtime_acme"])]
    title: Annotated[str, Field(examples=["Acme"])]
    schema: Annotated[JsonObject, Field(examples=[SCHEMA_EXAMPLE])]
    set: Annotated[list[str], Field(examples=[["ACME_KEY"]])]
    missing: Annotated[list[str], Field(examples=[[]])]
    env_file: Annotated[str, Field(examples=["/home/coder/.xo-cowork/env"])]
    error: Annotated[str | None, Field(examples=[None])]


class FormsResponse(TypedDict):
    """The form of every plugin that declares secrets."""

    plugins: Annotated[list[SecretForm], Field(examples=[[FORM_EXAMPLE]])]


class StoredForm(SecretForm):
    """A form whose values were stored."""

    ok: Annotated[bool, Field(examples=[True])]
