"""Providers of models: which the runtimes know, and the keys that a person enters for them.

A provider that several runtimes know is one provider: its key is stored for each of them, in the
env file of each, so that every agent can use it.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import SecretStr

from xo_cowork_core.sdk import BadRequest
from xo_cowork_core.sdk.runtime.configuration import (
    ListsProviders,
    Provider,
    ProviderAccount,
    ReportsAccount,
)
from xo_cowork_core.services.runtimes.collect import Request, collect
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime
from xo_cowork_core.services.runtimes.selector import RuntimeSelector
from xo_cowork_core.services.secrets.audit import Caller
from xo_cowork_core.services.secrets.masking import masked_preview
from xo_cowork_core.services.secrets.secret_store import SecretStore

MAX_KEY_CHARACTERS = 8192
PROVIDERS = Request(ListsProviders, "list its providers")
ACCOUNT = Request(ReportsAccount, "report its account")
SUBSCRIPTION = "subscription"


class ProviderState(NamedTuple):
    """A provider, the runtimes that know it, and those of them that have a key for it."""

    provider: Provider
    runtimes: Sequence[str]
    with_key: Sequence[str]

    @property
    def is_set(self) -> bool:
        return bool(self.with_key)


class ProviderKey(NamedTuple):
    """The provider of the default runtime, and its masked key; empty without one."""

    provider: str | None = None
    masked: str = ""


class _Use(NamedTuple):
    """A provider as one runtime uses it."""

    provider: Provider
    runtime: RegisteredRuntime

    @property
    def file(self) -> Path:
        return Path(self.runtime.plugin.env_file)


class Providers:
    """Lists providers, and reads and stores their keys."""

    def __init__(self, selector: RuntimeSelector, store: SecretStore) -> None:
        self._selector = selector
        self._store = store

    async def list(self) -> Sequence[ProviderState]:
        """Return every provider, those of the configured runtime first."""
        uses = await self._uses(self._selector.configured_first())
        return _states(uses, await _read_keys(uses))

    async def default_key(self) -> ProviderKey:
        """Return the key of the default runtime; of its providers the first that has one.

        A default runtime without providers, such as a simulated one, leaves it to the next.
        """
        uses = await self._uses(await self._selector.default_first())
        if not uses:
            return ProviderKey()
        owner = uses[0].runtime
        own = [use for use in uses if use.runtime is owner]
        keys = await _read_keys(own)
        for use in own:
            if key := keys.get((use.runtime.info.name, use.provider.env_key)):
                return ProviderKey(use.provider.id, masked_preview(key.get_secret_value()))
        return ProviderKey(own[0].provider.id)

    async def set_key(self, provider_id: str, key: SecretStr, caller: Caller) -> ProviderState:
        """Store a key for every runtime that knows the provider.

        Raises BadRequest for an unknown provider and for a key that is empty, too long or not one
        line, Unavailable when it can't be written.
        """
        uses = await self._uses_of(provider_id)
        # a line end in a key is refused, not cut off
        text = key.get_secret_value().strip(" \t")
        if not text:
            raise BadRequest("`key` is missing")
        if len(text) > MAX_KEY_CHARACTERS:
            raise BadRequest(f"`key` may have {MAX_KEY_CHARACTERS} characters")
        for use in _distinct_files(uses):
            await self._store.set_in(use.file, {use.provider.env_key: SecretStr(text)}, caller)
        return _states(uses, await _read_keys(uses))[0]

    async def delete_key(self, provider_id: str, caller: Caller) -> ProviderState:
        """Delete a provider's key from every env file; one in the server's environment stays.

        Raises BadRequest for an unknown provider, Unavailable when it can't be written.
        """
        uses = await self._uses_of(provider_id)
        for use in _distinct_files(uses):
            await self._store.delete_in(use.file, [use.provider.env_key], caller)
        return _states(uses, await _read_keys(uses))[0]

    async def subscription(self, provider_id: str) -> ProviderAccount | None:
        """Return the subscription that some runtime is signed in with; None without one."""
        runtimes = self._selector.configured_first()
        for _, account in await collect(runtimes, ACCOUNT, ReportsAccount.account):
            if account and (account.provider_id, account.kind) == (provider_id, SUBSCRIPTION):
                return account
        return None

    async def _uses(self, runtimes: Sequence[RegisteredRuntime]) -> Sequence[_Use]:
        listed = await collect(runtimes, PROVIDERS, ListsProviders.providers)
        return [
            _Use(provider, runtime)
            for runtime, rows in listed
            for provider in rows
            if _is_declared(provider, runtime)
        ]

    async def _uses_of(self, provider_id: str) -> Sequence[_Use]:
        uses = await self._uses(self._selector.configured_first())
        wanted = [use for use in uses if use.provider.id == provider_id]
        if not wanted:
            known = ", ".join(dict.fromkeys(use.provider.id for use in uses)) or "none"
            raise BadRequest(f"Unknown provider; this server knows: {known}")
        return wanted


def _is_declared(provider: Provider, runtime: RegisteredRuntime) -> bool:
    """Return whether a provider's key is a secret of the plugin; else its agents never get it."""
    if any(secret.key == provider.env_key for secret in runtime.plugin.secrets):
        return True
    text = f"providers() names {provider.env_key}, which xo_secrets does not declare"
    runtime.plugin.add_fault("providers()", text)
    return False


def _states(
    uses: Sequence[_Use], keys: Mapping[tuple[str, str], SecretStr]
) -> Sequence[ProviderState]:
    grouped: dict[str, list[_Use]] = {}
    for use in uses:
        grouped.setdefault(use.provider.id, []).append(use)
    return [
        ProviderState(
            group[0].provider,
            [use.runtime.info.name for use in group],
            [
                use.runtime.info.name
                for use in group
                if (use.runtime.info.name, use.provider.env_key) in keys
            ],
        )
        for group in grouped.values()
    ]


async def _read_keys(uses: Sequence[_Use]) -> Mapping[tuple[str, str], SecretStr]:
    """Return the keys that have a value, by runtime and entry."""

    def read() -> Mapping[tuple[str, str], SecretStr]:
        runtimes = {use.runtime.info.name: use.runtime for use in uses}
        secrets = {name: runtime.secrets.environment() for name, runtime in runtimes.items()}
        return {
            (name, use.provider.env_key): key
            for use in uses
            if (key := secrets[name := use.runtime.info.name].get(use.provider.env_key))
            and key.get_secret_value()
        }

    return await asyncio.to_thread(read)


def _distinct_files(uses: Sequence[_Use]) -> Iterable[_Use]:
    """Return one use for each entry of a file: runtimes of one plugin share its file."""
    return {(use.file, use.provider.env_key): use for use in uses}.values()
