"""Which credentials the server has: whether they are set, and the end of long ones."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from pydantic import SecretStr

from xo_cowork_core.sdk import Unavailable
from xo_cowork_core.services.runtimes.plugin_record import PluginRecord
from xo_cowork_core.services.runtimes.registry import Registry

HINT_CHARACTERS = 4
# the end of a shorter value would be too much of it
MIN_CHARACTERS = 16


class CredentialHint(NamedTuple):
    """Whether a credential is set; `hint` is the end of a long value."""

    is_set: bool
    hint: str


class CredentialHints:
    """Describes the secrets that plugins declare."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def list(self) -> Mapping[str, Mapping[str, CredentialHint]]:
        """Return the hints by plugin and key."""
        records = [record for record in self._registry.plugins.values() if record.secrets]
        return await asyncio.to_thread(lambda: {each.name: _hints(each) for each in records})


def hint_of(secret: SecretStr | None) -> CredentialHint:
    """Return the hint of one credential."""
    value = secret.get_secret_value() if secret else ""
    hint = f"…{value[-HINT_CHARACTERS:]}" if len(value) >= MIN_CHARACTERS else ""
    return CredentialHint(bool(value), hint)


def _hints(record: PluginRecord) -> Mapping[str, CredentialHint]:
    values: Mapping[str, SecretStr] = {}
    if record.stored_secrets:
        # an env file that can't be read has no values
        with suppress(Unavailable):
            values = record.stored_secrets.environment()
    return {secret.key: hint_of(values.get(secret.key)) for secret in record.secrets}
