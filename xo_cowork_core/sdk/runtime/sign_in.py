"""The ability of a runtime to be signed in through the server."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from xo_cowork_core.sdk.connector.connector import Account
from xo_cowork_core.sdk.connector.methods import SignInMethod
from xo_cowork_core.sdk.connector.tokens import TokenSet

__all__ = ["LogsIn"]


class LogsIn(ABC):
    """Can be signed in through the server, by the same methods as a connector.

    The host carries out the sign-in and serves the routes under
    `/api/runtimes/<name>/sign-in`. It keeps no tokens: the runtime does.
    """

    @abstractmethod
    def sign_in_methods(self) -> Sequence[SignInMethod]:
        """Return the ways to sign in, the best first, each with an `id` of its own.

        Called in a thread, at each sign-in: it may depend on settings and secrets and read files,
        within 10 s.
        """

    @abstractmethod
    async def complete_sign_in(self, tokens: TokenSet | None) -> Account:
        """Store the tokens where the agent reads them and return the account, within 30 s.

        `tokens` is None where the agent stored its sign-in itself. May be called again with the
        same tokens, after a restart or a fault. Raises `Unauthorized` when there is no sign-in
        after all, `Unavailable` when it can't be stored now. The next turn, and the next
        `health()`, must see the sign-in.
        """
