"""The bodies about providers, their keys and accounts, and local models."""

from typing import Annotated, NotRequired

from pydantic import Field, SecretStr
from typing_extensions import TypedDict

from xo_cowork_core.api.models import RequestModel


class KeyStatus(TypedDict):
    """The key of the default runtime's provider, masked, in the field names of all clients."""

    provider: Annotated[str | None, Field(examples=["anthropic"])]
    key_set: Annotated[bool, Field(examples=[True])]
    is_configured: Annotated[bool, Field(examples=[True])]
    has_key: Annotated[bool, Field(examples=[True])]
    masked: Annotated[str, Field(examples=["••••3f9a"])]
    masked_key: Annotated[str, Field(examples=["••••3f9a"])]


class ProviderRow(TypedDict):
    """A provider, the runtimes that know it, and those of them that have a key for it."""

    id: Annotated[str, Field(examples=["anthropic"])]
    name: Annotated[str, Field(examples=["Anthropic"])]
    env_key: Annotated[str, Field(examples=["ANTHROPIC_API_KEY"])]
    is_set: Annotated[bool, Field(examples=[True])]
    runtimes: Annotated[list[str], Field(examples=[["claude_code", "openclaw"]])]
    set_for: Annotated[list[str], Field(examples=[["claude_code"]])]


class KeyRequest(RequestModel):
    """A provider's API key, under either name."""

    key: SecretStr | None = Field(default=None, examples=["sk-example"])
    api_key: SecretStr | None = None


class ChangedKey(TypedDict):
    """The provider whose key was changed, and whether it has one now."""

    ok: bool
    provider: Annotated[str, Field(examples=["anthropic"])]
    is_set: Annotated[bool, Field(examples=[True])]


class Subscription(TypedDict):
    """Whether a runtime is signed in with a subscription. Its plan is left out when unknown."""

    has_subscription: Annotated[bool, Field(examples=[True])]
    is_connected: Annotated[bool, Field(examples=[True])]
    plan: NotRequired[Annotated[str, Field(examples=["plus"])]]
    email: NotRequired[Annotated[str, Field(examples=["ada@example.com"])]]


class LinkedAccount(TypedDict):
    """Whether an account of an earlier product is linked."""

    connected: Annotated[bool, Field(examples=[False])]
    linked: Annotated[bool, Field(examples=[False])]


class LocalModelRow(TypedDict):
    """A model on this machine; `size` in bytes."""

    name: Annotated[str, Field(examples=["llama3:8b"])]
    size: Annotated[int, Field(examples=[4661224676])]
    modified_at: Annotated[str, Field(examples=["2026-11-24T08:00:00Z"])]


class LocalModelServer(TypedDict):
    """Whether Ollama is installed and answers, and its models."""

    running: Annotated[bool, Field(examples=[True])]
    installed: Annotated[bool, Field(examples=[True])]
    models: list[LocalModelRow]


class LocalProvider(TypedDict):
    """Whether prompts can be answered on this machine.

    `available`: a program for it is installed; `is_connected`: its server answers; `is_local`: the
    server has a model.
    """

    is_local: Annotated[bool, Field(examples=[True])]
    is_connected: Annotated[bool, Field(examples=[True])]
    available: Annotated[bool, Field(examples=[True])]
    provider: Annotated[str | None, Field(examples=["ollama"])]


class OllamaStatus(TypedDict):
    """Whether Ollama is installed and answers."""

    binary_installed: Annotated[bool, Field(examples=[True])]
    running: Annotated[bool, Field(examples=[True])]
