"""What a step asks the outside to do. Its outcome comes back as an event."""

from dataclasses import dataclass
from typing import TypeAlias

from pydantic import SecretStr

from xo_cowork_core.sdk.connector import TokenSet


@dataclass(frozen=True, slots=True)
class Prepare:
    """Make what a person needs: the authorization URL, the device code, the program."""


@dataclass(frozen=True, slots=True)
class ExchangeCode:
    """Exchange an authorization code for tokens."""

    code: SecretStr


@dataclass(frozen=True, slots=True)
class PollDevice:
    """Ask for the tokens of the device code after this many seconds."""

    after_seconds: float


@dataclass(frozen=True, slots=True)
class PassInput:
    """Pass a text on to the program."""

    text: SecretStr


@dataclass(frozen=True, slots=True)
class Identify:
    """Ask the target which account the tokens belong to."""

    tokens: TokenSet | None
    after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class StoreConnection:
    """Store the tokens as a connection."""


@dataclass(frozen=True, slots=True)
class OpenListener:
    """Listen again on the port of the redirect URI."""


@dataclass(frozen=True, slots=True)
class StopWork:
    """Give up the action that runs."""


@dataclass(frozen=True, slots=True)
class Release:
    """End all that the flow holds: its listener, program and task."""


@dataclass(frozen=True, slots=True)
class Reject:
    """Tell whoever submitted a text that it was not accepted."""

    code: str
    message: str


Action: TypeAlias = (
    Prepare
    | ExchangeCode
    | PollDevice
    | PassInput
    | Identify
    | StoreConnection
    | OpenListener
    | StopWork
    | Release
    | Reject
)
