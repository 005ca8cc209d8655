"""Abilities of a runtime that has a configuration: its providers, its account, its settings."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, TypeAlias

# the host resolves the annotation `Json` here, which names `JsonValue`
from xo_cowork_core.sdk.events.base import Json, JsonValue  # noqa: F401 # pyright: ignore[reportUnusedImport]
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass

__all__ = [
    "AccountKind",
    "ListsProviders",
    "Provider",
    "ProviderAccount",
    "ReportsAccount",
    "ShowsConfiguration",
]

AccountKind: TypeAlias = Literal["subscription", "api_key", "other"]


@frozen_dataclass
class Provider:
    """A provider of models whose API key is one of the plugin's secrets.

    `id` is the provider's common name in lower case (`anthropic`, `openai`), the same in all
    runtimes; `env_key` is the key of a `SecretField` that the plugin declares.
    """

    id: str
    name: str
    env_key: str


class ListsProviders(ABC):
    """Reaches providers of models with keys that a person enters."""

    @abstractmethod
    async def providers(self) -> Sequence[Provider]:
        """Return the providers, the most used first, within 5 s.

        The host reads and stores their keys; the runtime finds them in its secrets.
        """


class ShowsConfiguration(ABC):
    """Has a configuration of its own that people may look at."""

    @abstractmethod
    async def configuration(self) -> Json:
        """Return the whole configuration, empty where there is none, within 5 s.

        The host replaces secrets in it before anyone sees it: values under names like `token`,
        values that look like a key, and the plugin's own secrets. Raises `Unavailable` when it
        can't be read.
        """


@frozen_dataclass
class ProviderAccount:
    """The account at a provider with which turns run.

    `provider_id` is that of a `Provider`. `kind` is `subscription` for an account that was signed
    in to, `api_key` for a key, else `other`. `plan` is the provider's word for it.
    """

    provider_id: str
    kind: AccountKind
    email: str | None = None
    plan: str | None = None
    expires_at: datetime | None = None


class ReportsAccount(ABC):
    """Knows the account with which its turns run."""

    @abstractmethod
    async def account(self) -> ProviderAccount | None:
        """Return the account that a turn would use now, None without any, within 5 s.

        Reads what is stored; asks no provider.
        """
