"""The forms of plugins: what each needs as JSON Schema, what is set, and the values of a form."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from pydantic import SecretStr

from xo_cowork_core.sdk import BadRequest, NotFound, Unavailable
from xo_cowork_core.services.runtimes.plugin_record import PluginRecord
from xo_cowork_core.services.runtimes.registry import Registry
from xo_cowork_core.services.secrets.audit import Caller
from xo_cowork_core.services.secrets.entry_rules import require_entry
from xo_cowork_core.services.secrets.secret_schema import secret_schema
from xo_cowork_core.services.secrets.secret_store import SecretStore

NO_SECRETS: Mapping[str, SecretStr] = MappingProxyType({})


class SecretForm(NamedTuple):
    """The form of one plugin. `is_set` says of each key whether it has a value; `missing` are the
    required keys without one. `error` is why the plugin's env file cannot be read, else empty."""

    plugin: str
    title: str
    env_file: str
    schema: Mapping[str, object]
    is_set: Mapping[str, bool]
    missing: Sequence[str]
    error: str = ""


class SecretForms:
    """The forms of all plugins that declare secrets."""

    def __init__(self, registry: Registry, secrets: SecretStore) -> None:
        self._registry = registry
        self._secrets = secrets

    async def list(self) -> Sequence[SecretForm]:
        """Return every form, in the order of the plugins."""
        records = [record for record in self._registry.plugins.values() if _has_form(record)]
        return await asyncio.to_thread(lambda: [self._form(record) for record in records])

    async def store(
        self, plugin: str, values: Mapping[str, SecretStr], caller: Caller
    ) -> SecretForm:
        """Check the values of a plugin's form, store them, and return the form as it is then.

        Keys that are left out keep their value. Raises NotFound for a plugin without a form,
        BadRequest for a key that it does not declare, for an empty or wrong value and for a
        required key that would be without one; Unavailable when the file cannot be written.
        """
        record = self._registry.plugins.get(plugin)
        if record is None or not _has_form(record):
            raise NotFound(f"There is no plugin {plugin!r} that declares secrets.")
        form = await asyncio.to_thread(self._form, record)
        if form.error:
            raise Unavailable(form.error)
        _check_values(form, values)
        if values:
            await self._secrets.set_in(Path(form.env_file), values, caller)
        return await asyncio.to_thread(self._form, record)

    def _form(self, record: PluginRecord) -> SecretForm:
        values, error = NO_SECRETS, ""
        try:
            values = record.stored_secrets.environment() if record.stored_secrets else NO_SECRETS
        except Unavailable as unreadable:
            # the forms of other plugins have files of their own
            error = unreadable.message
        is_set = {secret.key: bool(values.get(secret.key)) for secret in record.secrets}
        return SecretForm(
            plugin=record.name,
            title=self._title_of(record),
            env_file=record.env_file,
            schema=secret_schema(record.secrets),
            is_set=is_set,
            missing=[each.key for each in record.secrets if each.required and not is_set[each.key]],
            error=error,
        )

    def _title_of(self, record: PluginRecord) -> str:
        infos = [each.info for each in self._registry.runtimes() if each.plugin is record]
        infos += [each.info for each in self._registry.connectors.values() if each.plugin is record]
        return infos[0].title if infos else record.name


def _has_form(record: PluginRecord) -> bool:
    return bool(record.secrets) and record.stored_secrets is not None


def _check_values(form: SecretForm, values: Mapping[str, SecretStr]) -> None:
    for key, secret in values.items():
        if key not in form.is_set:
            raise BadRequest(f"{key!r} is no secret of {form.plugin}: {', '.join(form.is_set)}")
        if not secret.get_secret_value().strip():
            raise BadRequest(f"{key} must not be empty")
        require_entry(key, secret.get_secret_value())
    if missing := [key for key in form.missing if key not in values]:
        raise BadRequest(f"{missing[0]} is required")
