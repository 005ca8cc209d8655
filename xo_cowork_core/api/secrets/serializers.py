"""Turns secrets and forms into bodies; a value is masked unless its name says otherwise."""

from collections.abc import Mapping

from pydantic import SecretStr

from xo_cowork_core.api.secrets import schemas
from xo_cowork_core.services.secrets.forms import SecretForm
from xo_cowork_core.services.secrets.masking import masked_preview
from xo_cowork_core.storage.envfile import EnvFileContent


def secrets_body(content: EnvFileContent) -> schemas.SecretsResponse:
    """Return every secret of a file, masked."""
    items = [secret_item(key, value) for key, value in content.entries.items()]
    # a value that is not text is there, but cannot be used or shown
    items += [secret_item(key, "") for key in sorted(content.damaged)]
    return schemas.SecretsResponse(items=items, total=len(items))


def secret_item(key: str, value: str) -> schemas.SecretItem:
    """Return one secret, masked."""
    return schemas.SecretItem(
        key=key, is_set=bool(value), preview=masked_preview(value) if value else ""
    )


def revealed_body(entries: Mapping[str, SecretStr]) -> schemas.EnvResponse:
    """Return every entry with its value."""
    return schemas.EnvResponse(
        entries=[
            schemas.Entry(key=key, value=secret.get_secret_value())
            for key, secret in entries.items()
        ]
    )


def form_body(form: SecretForm) -> schemas.SecretForm:
    """Return one form."""
    return schemas.SecretForm(
        plugin=form.plugin,
        title=form.title,
        schema=form.schema,
        set=[key for key, is_set in form.is_set.items() if is_set],
        missing=list(form.missing),
        env_file=form.env_file,
        error=form.error or None,
    )
