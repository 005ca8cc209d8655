"""The address under which browsers reach this server."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

# where browsers come back to from an authorization server
OAUTH_CALLBACK_PATH = "/api/oauth/callback"


class PublicAddress:
    """Builds public URLs: from the configured base, else from the request, else from the socket.

    `configured` and `bound` are base URLs without a trailing slash; `configured` may be empty.
    """

    def __init__(self, configured: str, bound: str) -> None:
        self._configured = configured
        self._bound = bound
        self._forwarded: ContextVar[str] = ContextVar("forwarded_origin", default="")

    def callback_url(self, *, asked: bool) -> str | None:
        """Return the URL to which a browser can come back from an authorization server.

        None where neither a setting nor a trusted proxy has given the address, so that browsers
        of other machines may not reach it, unless it is asked for.
        """
        is_known = bool(self._configured or self._forwarded.get())
        return self.url_for(OAUTH_CALLBACK_PATH) if is_known or asked else None

    @property
    def local(self) -> str:
        """The base URL as this machine reaches the server."""
        return self._bound

    def url_for(self, path: str) -> str:
        """Return the public URL of a path. Raises ValueError unless it starts with one `/`."""
        if not path.startswith("/") or path.startswith("//"):
            raise ValueError(f"{path!r} is no path like /api/acme")
        return (self._configured or self._forwarded.get() or self._bound) + path

    @contextmanager
    def forwarded(self, origin: str) -> Generator[None]:
        """Use the origin that a trusted proxy sent, for the current request and its tasks."""
        token = self._forwarded.set(origin)
        try:
            yield
        finally:
            self._forwarded.reset(token)
