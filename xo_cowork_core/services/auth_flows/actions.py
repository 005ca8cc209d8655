"""What a step asks the outside to do. Its outcome comes back as an event."""

from typing import TypeAlias

from pydantic import SecretStr

from xo_cowork_core.sdk.connector import TokenSet
from xo_cowork_core.sdk.value_class import value_class


@value_class
class Prepare:
    """Make what a person needs: the authorization URL, the device code, the program."""


@value_class
class ExchangeCode:
    """Exchange an authorization code for tokens."""

    code: SecretStr


@value_class
class PollDevice:
    """Ask for the tokens of the device code after this many seconds."""

    after_seconds: float


@value_class
class PassInput:
    """Pass a text on to the program."""

    text: SecretStr


@value_class
class Identify:
    """Ask the target which account the tokens belong to."""

    tokens: TokenSet | None
    after_seconds: float = 0.0


@value_class
class StoreConnection:
    """Store the tokens as a connection."""


@value_class
class OpenListener:
    """Listen again on the port of the redirect URI."""


@value_class
class StopWork:
    """Give up the action that runs."""


@value_class
class Release:
    """End all that the flow holds: its listener, program and task."""


@value_class
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
