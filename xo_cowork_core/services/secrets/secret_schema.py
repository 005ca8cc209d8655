"""The JSON Schema of the secrets that a plugin declares."""

from collections.abc import Mapping, Sequence

from xo_cowork_core.sdk import SecretField

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def secret_schema(secrets: Sequence[SecretField]) -> dict[str, object]:
    """Return the schema of an object with one text for each secret."""
    return {
        "$schema": DIALECT,
        "type": "object",
        "properties": {secret.key: _property(secret) for secret in secrets},
        "required": [secret.key for secret in secrets if secret.required],
        "additionalProperties": False,
    }


def _property(secret: SecretField) -> Mapping[str, object]:
    pattern = {"pattern": secret.pattern} if secret.pattern else {}
    return {
        "type": "string",
        "title": secret.title,
        "description": secret.help,
        "format": "password",
        "writeOnly": True,
        "minLength": 1,
        **pattern,
    }
