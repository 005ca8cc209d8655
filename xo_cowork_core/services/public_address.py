"""The address under which browsers reach this server."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar


class PublicAddress:
    """Builds public URLs: from the configured base, else from the request, else from the socket.

    `configured` and `bound` are base URLs without a trailing slash; `configured` may be empty.
    """

    def __init__(self, configured: str, bound: str) -> None:
        self._configured = configured
        self._bound = bound
        self._forwarded: ContextVar[str] = ContextVar("forwarded_origin", default="")

    @property
    def is_known(self) -> bool:
        """Whether a setting or a trusted proxy has given the address."""
        return bool(self._configured or self._forwarded.get())

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
